import Authentication
import TestSupport

/// One connection to a host of the tests: honest in all but what its misbehaviour says.
public final class HostSession {
    /// What is spoken over.
    public let packets: PacketSocket
    /// Whose connection it is.
    public let host: HostileHost
    var channels: [UInt32: HostChannel] = [:]
    private var sessionID: [UInt8]?
    private var versions: (client: [UInt8], host: [UInt8]) = ([], Array("SSH-2.0-Hostile".utf8))
    /// What came while keys were exchanged anew.
    private var postponed: [[UInt8]] = []

    init(_ descriptor: Int32, of host: HostileHost) {
        packets = PacketSocket(descriptor)
        self.host = host
    }

    /// Speaks until one side hangs up.
    func run() throws {
        try step(.connected) { try packets.sendRaw(versions.host + [0x0d, 0x0a]) }
        versions.client = try packets.line()
        try exchangeKeys()
        try step(.encrypted) {}
        while true { try take(next()) }
    }

    private func next() throws -> [UInt8] { postponed.isEmpty ? try packets.receive() : postponed.removeFirst() }

    /// Takes the next packet; for misbehaviour that needs the peer to go on meanwhile.
    public func takeNext() throws { try take(next()) }

    /// The misbehaviour of this stage, or what is right.
    func step(_ stage: HostStage, on channel: HostChannel? = nil, _ honest: () throws -> Void) throws {
        guard host.misbehaviour.stage == stage, host.misbehaves() else { return try honest() }
        if try host.misbehaviour.act(self, channel) == .goOn { try honest() }
    }

    // MARK: Keys (RFC 4253 sections 7 and 8, RFC 8731)

    /// The first exchange, or another one.
    public func exchangeKeys() throws {
        let mine = SSHMessage.keyExchangeStart { writer in
            let names =
                ["curve25519-sha256", "ssh-ed25519"] + ["aes256-ctr", "hmac-sha2-256", "none"].flatMap { [$0, $0] } + ["", ""]
            for byte in Random.bytes(16) { writer.byte(byte) }
            for name in names { writer.text(name) }
            writer.byte(0)
            writer.uint32(0)
        }
        if sessionID == nil {
            try step(.keyExchange) { try packets.send(mine) }
        } else {
            try packets.send(mine)
        }
        let theirs = try expect(.keyExchangeStart)
        var request = SSHReader(try expect(.exchangeRequest).dropFirst())
        guard let point = request.string(limit: 32) else { throw TestBedError("no point") }
        let agreement = try X25519()
        var secret = MessageWriter()
        secret.mpint(try agreement.secret(with: point))
        var record = MessageWriter()
        for part in [versions.client, versions.host, theirs, mine, host.hostKey, point, agreement.publicKey] {
            record.string(part)
        }
        let hash = SHA256.hash(record.bytes + secret.bytes)
        let reply = SSHMessage.exchangeReply { writer in
            writer.string(host.hostKey)
            writer.string(agreement.publicKey)
            writer.string(host.signature(of: hash))
        }
        if sessionID == nil { try step(.keyReply) { try packets.send(reply) } } else { try packets.send(reply) }
        try packets.send(SSHMessage.newKeys())
        let session = sessionID ?? hash
        func derived(_ letter: Character) -> [UInt8] { SHA256.hash(secret.bytes + hash + letter.utf8 + session) }
        packets.sending = try PacketCipher(key: derived("D"), iv: Array(derived("B").prefix(16)), mac: derived("F"))
        _ = try expect(.newKeys)
        packets.receiving = try PacketCipher(key: derived("C"), iv: Array(derived("A").prefix(16)), mac: derived("E"))
        sessionID = session
    }

    private func expect(_ message: SSHMessage) throws -> [UInt8] {
        while true {
            let payload = try packets.receive()
            if payload.first == message.rawValue { return payload }
            guard sessionID != nil else { throw TestBedError("message \(payload.first ?? 0) in a key exchange") }
            postponed.append(payload)
        }
    }

    // MARK: Messages

    private func take(_ payload: [UInt8]) throws {
        var reader = SSHReader(payload)
        switch reader.byte().flatMap(SSHMessage.init) {
        case .serviceRequest:
            let name = reader.string(limit: 100) ?? []
            try step(.service) { try packets.send(SSHMessage.serviceAccept { $0.string(name) }) }
        case .authenticationRequest: try authenticate(&reader)
        case .globalRequest:
            try step(.globalRequest) { try packets.send(SSHMessage.requestFailure()) }
        case .channelOpen:
            _ = reader.string(limit: 100)
            guard let peer = reader.uint32(), let window = reader.uint32() else { throw TestBedError("no channel number") }
            let channel = HostChannel(UInt32(host.channelOpened()), peer: peer, window: Int(window), of: self)
            channels[channel.number] = channel
            try step(.channelOpen, on: channel) { try channel.confirm() }
        case .channelRequest, .windowAdjust, .channelData, .channelEOF, .channelClose:
            guard let number = reader.uint32(), let channel = channels[number] else { return }
            try channel.take(SSHMessage(rawValue: payload[0]) ?? .ignore, &reader)
        case .keyExchangeStart: throw TestBedError("the peer wants new keys, which this host does not know")
        case .disconnect: throw TestBedError("the peer disconnects")
        default: break
        }
    }

    /// Whoever has any key is let in (RFC 4252 section 7).
    private func authenticate(_ reader: inout SSHReader) throws {
        _ = reader.string(limit: 100)
        _ = reader.string(limit: 100)
        guard reader.text(limit: 100) == "publickey" else {
            return try packets.send(
                SSHMessage.authenticationFailure {
                    $0.text("publickey"); $0.byte(0)
                })
        }
        let isSigned = reader.byte() == 1
        guard let algorithm = reader.string(limit: 100), let key = reader.string(limit: 4096) else {
            throw TestBedError("no key")
        }
        guard isSigned else {
            return try step(.publicKey) {
                try packets.send(
                    SSHMessage.publicKeyAccepted {
                        $0.string(algorithm); $0.string(key)
                    })
            }
        }
        try step(.signature) { try packets.send(SSHMessage.authenticationSuccess()) }
    }
}
