import Glibc

/// What can go wrong before a command is sent: nothing has run then.
extension Misbehaviour {
    /// Nobody comes so far as to log in.
    public static let beforeLogin: [Misbehaviour] =
        [
            stop("closes before its version", at: .connected), stop("closes before its key exchange", at: .keyExchange),
            stop("closes before its host key", at: .keyReply), stop("closes after the key exchange", at: .encrypted),
            stop("closes before authentication", at: .service), stop("closes when a key is offered", at: .publicKey),
            stop("closes instead of letting in", at: .signature),
            mute, silence("does not answer the key exchange", at: .keyReply),
            silence("does not answer the signature", at: .signature),
            endless("lines before its version", at: .connected) { session, _ in
                try session.packets.sendRaw(Array("not the version\r\n".utf8))
            },
            endless("one line without an end", at: .connected) { session, _ in
                try session.packets.sendRaw([UInt8](repeating: 0x41, count: 4096))
            },
            Misbehaviour("a key exchange of one byte a second", at: .keyExchange) { session, _ in
                for byte in session.packets.sealed(SSHMessage.keyExchangeStart()) {
                    try session.packets.sendRaw([byte])
                    for _ in 0..<20 where !session.host.isStopped { usleep(50_000) }
                }
                return .nothing
            },
            Misbehaviour("a wrong signature under its host key", at: .keyExchange) { session, _ in
                session.host.signWrong()
                return .goOn
            },
            Misbehaviour("a wrong MAC", at: .service) { session, _ in
                try session.packets.sendForged(SSHMessage.serviceAccept { $0.text("ssh-userauth") }, isMACWrong: true)
                return .nothing
            },
            flood("IGNORE before login", at: .service, SSHMessage.ignore { $0.string(bulk) }),
            flood(
                "DEBUG before login", at: .service,
                SSHMessage.debug {
                    $0.byte(1); $0.string(bulk); $0.text("")
                }),
            flood("EXT_INFO", at: .service, extensions(1_500)),
            flood("empty EXT_INFO", at: .service, extensions(0)),
            flood(
                "login banners", at: .publicKey,
                SSHMessage.authenticationBanner {
                    $0.string(bulk); $0.text("")
                }),
            Misbehaviour("EXT_INFO with 4,294,967,295 extensions", at: .service) { session, _ in
                try session.packets.send(
                    SSHMessage.extensionInfo {
                        $0.uint32(.max); $0.text("a"); $0.text("b")
                    })
                try session.packets.send(
                    SSHMessage.extensionInfo {
                        $0.uint32(1); $0.string([0x61], length: .max)
                    })
                return .nothing
            },
        ]
        + [0, 1, 5, 35_001, 0x7fff_ffff, UInt32.max].flatMap { length in
            [
                Misbehaviour("a packet of \(length) bytes before encryption", at: .keyExchange) { session, _ in
                    try session.packets.sendForged(SSHMessage.keyExchangeStart(), length: length)
                    return .nothing
                },
                Misbehaviour("a packet of \(length) bytes under encryption", at: .service) { session, _ in
                    try session.packets.sendForged(SSHMessage.serviceAccept { $0.text("ssh-userauth") }, length: length)
                    return .nothing
                },
            ]
        }

    /// Accepts and says nothing, ever.
    public static let mute = silence("says nothing", at: .connected)

    private static func extensions(_ count: UInt32) -> [UInt8] {
        SSHMessage.extensionInfo {
            $0.uint32(count)
            for _ in 0..<count { $0.text("server-sig-algs"); $0.text("a") }
        }
    }

    /// As much as a packet may hold.
    static let bulk = [UInt8](repeating: 0x61, count: 32_000)

    /// Hangs up.
    static func stop(_ name: String, at stage: HostStage) -> Misbehaviour {
        Misbehaviour(name, at: stage) { session, _ in
            session.packets.hangUp()
            return .nothing
        }
    }

    /// Neither says nor takes anything any more.
    static func silence(_ name: String, at stage: HostStage) -> Misbehaviour {
        Misbehaviour(name, at: stage) { session, _ in
            while !session.host.isStopped { usleep(50_000) }
            return .nothing
        }
    }

    /// Does it until the peer has enough.
    static func endless(
        _ name: String, at stage: HostStage, _ act: @escaping @Sendable (HostSession, HostChannel?) throws -> Void
    ) -> Misbehaviour {
        Misbehaviour("endless " + name, at: stage) { session, channel in
            while true { try act(session, channel) }
        }
    }

    /// The same packet until the peer has enough.
    static func flood(_ name: String, at stage: HostStage, _ payload: [UInt8]) -> Misbehaviour {
        endless(name, at: stage) { session, _ in try session.packets.send(payload) }
    }
}
