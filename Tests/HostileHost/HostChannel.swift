import Authentication
import TestSupport

/// A session channel, on which the host plays the worker's prelude: it runs nothing, and says that all went well.
public final class HostChannel {
    /// The process group it says its commands have.
    static let processGroup = 4_194_303
    let number: UInt32
    /// How the peer calls it.
    public let peer: UInt32
    /// Bytes that the peer takes.
    public private(set) var window: Int
    /// What the marks of its prelude begin with.
    public private(set) var nonce = ""
    private unowned let session: HostSession
    private var isPrelude = false
    private var input: [UInt8] = []
    private var isReady = false
    private var isClosed = false

    init(_ number: UInt32, peer: UInt32, window: Int, of session: HostSession) {
        self.number = number
        self.peer = peer
        self.window = window
        self.session = session
    }

    func confirm() throws { try send(.channelOpened) { $0.uint32(self.number, 1 << 21, 32_768) } }

    /// Sends a message about this channel.
    public func send(_ message: SSHMessage, _ fill: (inout MessageWriter) -> Void = { _ in }) throws {
        try session.packets.send(
            message {
                $0.uint32(peer); fill(&$0)
            })
    }

    /// Output of the command, when the peer takes it.
    public func write(_ bytes: [UInt8], stderr: Bool = false) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            while window == 0 { try session.takeNext() }
            let piece = rest.prefix(min(window, 32_768))
            try writeBeyond(Array(piece), stderr: stderr)
            rest = rest.dropFirst(piece.count)
        }
    }

    /// Output of the command, whether the peer takes it or not.
    public func writeBeyond(_ bytes: [UInt8], stderr: Bool) throws {
        window = max(0, window - bytes.count)
        try send(stderr ? .channelErrors : .channelData) {
            if stderr { $0.uint32(1) }
            $0.string(bytes)
        }
    }

    /// A line of the prelude on both streams, as it says its begin and its end.
    public func mark(_ text: String, nonce: String? = nil) throws {
        for stderr in [false, true] { try write(Array("\(nonce ?? self.nonce) \(text)\n".utf8), stderr: stderr) }
    }

    /// The end of the shell with its exit status (RFC 4254 section 6.10).
    public func end(status: UInt32? = 0) throws {
        guard !isClosed else { return }
        isClosed = true
        try send(.channelEOF)
        if let status { try request("exit-status") { $0.uint32(status) } }
        try send(.channelClose)
    }

    /// A request that wants no answer.
    public func request(_ name: String, _ fill: (inout MessageWriter) -> Void) throws {
        try send(.channelRequest) {
            $0.text(name); $0.byte(0); fill(&$0)
        }
    }

    func take(_ message: SSHMessage, _ reader: inout SSHReader) throws {
        switch message {
        case .windowAdjust: window += Int(reader.uint32() ?? 0)
        case .channelRequest:
            guard reader.text(limit: 100) == "exec", reader.byte() != nil, let line = reader.text(limit: 100_000) else { return }
            try session.step(.exec, on: self) { try send(.channelSuccess) }
            isPrelude = line.contains("sallyport")
            guard !isPrelude else { return }
            try write(Array("hello\n".utf8))
            try end()
        case .channelData:
            // What comes for a shell that has ended is nobody's.
            guard !isClosed else { return }
            input += reader.string(limit: 1 << 20) ?? []
            while isPrelude, try obey() {}
        case .channelEOF: try session.step(.peerEOF, on: self) { try end() }
        case .channelClose: if !isClosed { try end() }
        default: break
        }
    }

    /// One line of the prelude's control input; false when none is there.
    private func obey() throws -> Bool {
        guard let end = input.firstIndex(of: 0x0a) else { return false }
        let words = String(decoding: input[..<end], as: UTF8.self).split(separator: " ")
        input.removeSubrange(...end)
        guard isReady else {
            nonce = String(words.first ?? "")
            isReady = true
            try session.step(.ready, on: self) { try write(Array("\(nonce) ready \(Self.processGroup)\n".utf8), stderr: true) }
            return true
        }
        switch words.first {
        case "run":
            session.host.commandArrived()
            try session.step(.command, on: self) {
                try mark("begin")
                try write(Array("hello\n".utf8))
                try session.step(.output, on: self) {
                    try mark("exit 0")
                    try session.step(.trailer, on: self) { try self.end() }
                }
            }
        case "kill":
            try session.step(.kill, on: self) {
                try write(Array("\(nonce) gone\n".utf8), stderr: true)
                try mark("exit 0")
                try self.end()
            }
        default: break
        }
        return true
    }
}
