/// What is said to an ssh-agent and understood of its answers (draft-miller-ssh-agent). Pure: bytes in, bytes out.
public enum SSHAgentMessage {
    /// Bytes of an answer, at most; a longer one is refused by its length, before any of it is read.
    public static let maximumAnswer = 256 * 1024
    /// Keys of an agent that are looked at.
    public static let maximumKeys = 1024

    /// Asks for a signature, with its length in front.
    public static func signRequest(key: [UInt8], data: [UInt8]) -> [UInt8] {
        var body = SSHWriter()
        body.string(key)
        body.string(data)
        body.uint32(0)
        return framed(13, body.bytes)
    }

    /// Asks which keys the agent has.
    public static var listRequest: [UInt8] { framed(11, []) }

    private static func framed(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
        var frame = SSHWriter()
        frame.string([type] + body)
        return frame.bytes
    }

    /// The signature in an answer without its length; nil when the agent declines.
    ///
    /// - Throws: ``AuthenticationError`` when it is no answer to that question.
    public static func signature(in answer: [UInt8]) throws(AuthenticationError) -> [UInt8]? {
        var reader = SSHReader(answer)
        switch reader.byte() {
        // SSH_AGENT_FAILURE, which is all it says: locked, no such key, or not confirmed.
        case 5: return nil
        case 14:
            guard let signature = reader.string(limit: 1024), reader.isAtEnd else { break }
            return signature
        default: break
        }
        throw AuthenticationError(.badForm, "its answer is no signature")
    }

    /// Public keys in an answer to ``listRequest``.
    public static func keys(in answer: [UInt8]) throws(AuthenticationError) -> [[UInt8]] {
        var reader = SSHReader(answer)
        guard reader.byte() == 12, let count = reader.uint32(), count <= maximumKeys else {
            throw AuthenticationError(.badForm, "its answer is no list of keys")
        }
        var keys: [[UInt8]] = []
        for _ in 0..<count {
            guard let key = reader.string(limit: maximumAnswer), reader.string(limit: maximumAnswer) != nil else {
                throw AuthenticationError(.badForm, "its list of keys is cut off")
            }
            keys.append(key)
        }
        return keys
    }
}

/// Where a key is that this process does not have.
public struct SSHAgentPlace: Sendable {
    /// Path of its Unix socket.
    public let socket: String
    /// How long connecting and its answer may take in all.
    public let timeout: Duration

    /// There, and so long.
    public init(socket: String, timeout: Duration) {
        self.socket = socket
        self.timeout = timeout
    }
}
