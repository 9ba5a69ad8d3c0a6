import Glibc

/// What can go wrong once a connection is there.
extension Misbehaviour {
    /// No shell comes about: nothing has run.
    public static let withoutShell: [Misbehaviour] = [
        Misbehaviour("refuses every channel", at: .channelOpen) { _, channel in
            try channel?.send(.channelRefused) {
                $0.uint32(4); $0.text("no"); $0.text("")
            }
            return .nothing
        },
        stop("closes instead of opening a channel", at: .channelOpen),
        Misbehaviour("refuses to execute", at: .exec) { _, channel in
            try channel?.send(.channelFailure)
            return .nothing
        },
        stop("closes instead of executing", at: .exec),
        Misbehaviour("ends every shell at once", at: .exec) { _, channel in
            try channel?.send(.channelSuccess)
            try channel?.end()
            return .nothing
        },
        stop("closes instead of being ready", at: .ready),
    ]

    /// The same, but it takes the worker its whole patience to know.
    public static let withoutShellForLong: [Misbehaviour] = [
        ignored("does not answer a request for a channel", at: .channelOpen),
        ignored("does not answer the request to execute", at: .exec), ignored("is never ready", at: .ready),
        Misbehaviour("is ready under another nonce", at: .ready) { _, channel in
            try channel?.write(Array("0123456789abcdef0123456789abcdef ready 4711\n".utf8), stderr: true)
            return .nothing
        },
        endless("output instead of being ready", at: .ready) { _, channel in try channel?.write(bulk) },
    ]

    /// The command may have run; there is no proof of how it ended.
    public static let withoutProof: [Misbehaviour] = [
        stop("closes when the command comes", at: .command), stop("closes while the command runs", at: .output),
        begun("exit-status 0 and no trailer") { try $0.end(status: 0) },
        begun("neither exit-status nor trailer") { try $0.end(status: nil) },
        begun("killed by a signal") { channel in
            try channel.send(.channelEOF)
            try channel.request("exit-signal") {
                $0.text("KILL"); $0.byte(0); $0.text(""); $0.text("")
            }
            try channel.send(.channelClose)
        },
        begun("exit-signals of any length") { channel in
            for length in [0, 4, 0x7fff_ffff, UInt32.max] {
                try channel.request("exit-signal") { $0.string(Array("KILL".utf8), length: length) }
            }
            try channel.end()
        },
        begun("requests of any length") { channel in
            for length in [0, 4, 0x7fff_ffff, UInt32.max] {
                try channel.send(.channelRequest) { $0.string(Array("exit-status".utf8), length: length) }
                try channel.send(.channelErrors) {
                    $0.uint32(1); $0.string([], length: length)
                }
            }
            try channel.end()
        },
        begun("two exit-statuses and no trailer") { channel in
            try channel.request("exit-status") { $0.uint32(0) }
            try channel.end(status: 0)
        },
        begun("a trailer with another nonce") { channel in
            try channel.mark("exit 0", nonce: "0123456789abcdef0123456789abcdef")
            try channel.end()
        },
        begun("a trailer without its end") { channel in
            for stderr in [false, true] { try channel.write(Array("\(channel.nonce) exit 0".utf8), stderr: stderr) }
            try channel.end()
        },
        begun("a trailer on one stream only") { channel in
            try channel.write(Array("\(channel.nonce) exit 0\n".utf8), stderr: true)
            try channel.end()
        },
        begun("trailers that contradict each other") { channel in
            try channel.write(Array("\(channel.nonce) exit 1\n".utf8))
            try channel.write(Array("\(channel.nonce) exit 0\n".utf8), stderr: true)
            try channel.end()
        },
        Misbehaviour("a wrong MAC while the command runs", at: .output) { session, channel in
            let mark = Array("\(channel?.nonce ?? "") exit 0\n".utf8)
            try session.packets.sendForged(
                SSHMessage.channelData {
                    $0.uint32(channel?.peer ?? 0); $0.string(mark)
                }, isMACWrong: true)
            try channel?.mark("exit 0")
            return .nothing
        },
        Misbehaviour("a packet of 4,294,967,295 bytes while the command runs", at: .output) { session, channel in
            try session.packets.sendForged(SSHMessage.ignore(), length: .max)
            try channel?.mark("exit 0")
            return .nothing
        },
        Misbehaviour("a disconnect while the command runs", at: .output) { session, _ in
            try session.packets.send(
                SSHMessage.disconnect {
                    $0.uint32(11); $0.string(bulk); $0.text("")
                })
            return .nothing
        },
    ]

    /// The command may go on running: the deadline ends it, on the host too, as far as that says so.
    public static let withoutEnd: [Misbehaviour] = [
        ignored("does not end", at: .output),
        flood("IGNORE while the command runs", at: .output, SSHMessage.ignore { $0.string(bulk) }),
        flood("small IGNORE while the command runs", at: .output, SSHMessage.ignore { $0.text("") }),
        questions,
        flood(
            "channels of its own", at: .output,
            SSHMessage.channelOpen {
                $0.text("forwarded-tcpip"); $0.uint32(7, 1 << 21, 32_768); $0.string(bulk)
            }),
        flood(
            "data for a channel that is not there", at: .output,
            SSHMessage.channelData {
                $0.uint32(77); $0.string(bulk)
            }),
        endless("output beyond the window", at: .output) { _, channel in try channel?.writeBeyond(bulk, stderr: false) },
        endless("errors beyond the window", at: .output) { _, channel in try channel?.writeBeyond(bulk, stderr: true) },
        endless("output of a kind that nobody knows", at: .output) { _, channel in
            try channel?.send(.channelErrors) {
                $0.uint32(7); $0.string(bulk)
            }
        },
        endless("empty output", at: .output) { _, channel in try channel?.writeBeyond([], stderr: false) },
        endless("output on both streams", at: .output) { _, channel in
            for stderr in [false, true] { try channel?.write(bulk, stderr: stderr) }
        },
        endless("exit-signals", at: .output) { _, channel in
            try channel?.request("exit-signal") {
                $0.string(bulk); $0.byte(0); $0.text(""); $0.text("")
            }
        },
        endless("changes of the window", at: .output) { _, channel in
            try channel?.send(.windowAdjust) { $0.uint32(.max) }
        },
    ]

    /// The end of the command is proved, whatever else is wrong.
    public static let withProof: [Misbehaviour] = [
        none,
        proved("no exit-status but the trailer") { try $0.end(status: nil) },
        proved("another exit-status than the trailer's") { try $0.end(status: 9) },
        proved("a channel that never closes") { try $0.send(.channelEOF) },
        proved("not even the end of output") { _ in },
        Misbehaviour("two answers to one request for a channel", at: .channelOpen) { _, channel in
            try channel?.confirm()
            try channel?.send(.channelRefused) {
                $0.uint32(4); $0.text("no"); $0.text("")
            }
            try channel?.confirm()
            return .nothing
        },
        Misbehaviour("data for other channels", at: .output) { session, _ in
            for number in [0, 1, 77, 0x8000_0000, UInt32.max] {
                try session.packets.send(
                    SSHMessage.channelData {
                        $0.uint32(number &+ 100); $0.text("not yours")
                    })
                try session.packets.send(SSHMessage.channelClose { $0.uint32(number &+ 100) })
            }
            return .goOn
        },
        Misbehaviour("new keys while the command runs", at: .output) { session, channel in
            for _ in 0..<3 {
                try session.exchangeKeys()
                try channel?.write(Array("new keys\n".utf8))
            }
            return .goOn
        },
    ]

    /// Says that the command runs, and from then on nothing; what it is asked it does not hear.
    public static let silent = silence("silent while the command runs", at: .output)

    /// Asks and asks, and takes no answer.
    public static let questions = endless("requests that want an answer", at: .output) { session, _ in
        let request = SSHMessage.globalRequest {
            $0.text("a@b"); $0.byte(1)
        }
        try session.packets.sendRaw((0..<500).flatMap { _ in session.packets.sealed(request) })
    }

    /// Takes nothing any more once a command comes, nor says anything.
    public static let deaf = silence("deaf when the command comes", at: .command)

    /// Output as fast as it is taken, at 10 MB a second for each stream and no faster, and an honest end: exit code 7.
    public static func fast(seconds: Int) -> Misbehaviour {
        Misbehaviour("10 MB a second on both streams for \(seconds) s", at: .output) { _, channel in
            for _ in 0..<seconds * 20 {
                for _ in 0..<16 { for stderr in [false, true] { try channel?.write(bulk, stderr: stderr) } }
                usleep(30_000)
            }
            try channel?.mark("exit 7")
            try channel?.end(status: 7)
            return .nothing
        }
    }

    private static func begun(_ name: String, _ act: @escaping @Sendable (HostChannel) throws -> Void) -> Misbehaviour {
        Misbehaviour(name, at: .output) { _, channel in
            if let channel { try act(channel) }
            return .nothing
        }
    }

    private static func proved(_ name: String, _ act: @escaping @Sendable (HostChannel) throws -> Void) -> Misbehaviour {
        Misbehaviour(name, at: .trailer) { _, channel in
            if let channel { try act(channel) }
            return .nothing
        }
    }

    /// As if the peer had not said it; all else is answered.
    private static func ignored(_ name: String, at stage: HostStage) -> Misbehaviour {
        Misbehaviour(name, at: stage) { _, _ in .nothing }
    }
}
