/// What went wrong on a socket of ours. Every one of them ends the connection it happened on.
public struct ProtocolError: Error, CustomStringConvertible {
    /// What kind of violation; the text beside it is for people.
    public enum Code: String, Sendable {
        case frameTooLarge = "frame-too-large"
        case frameEmpty = "frame-empty"
        case malformed
        case notPermitted = "not-permitted"
        case wrongVersion = "wrong-version"
        case wrongRole = "wrong-role"
        case untrustedKey = "untrusted-key"
        case badSignature = "bad-signature"
        case wrongPayloadType = "wrong-payload-type"
    }

    /// What kind of violation.
    public let code: Code
    /// What was seen and what was allowed; never holds a secret.
    public let message: String

    /// What a log line shows.
    public var description: String { "\(code.rawValue): \(message)" }

    static func frameTooLarge(_ length: Int) -> Self {
        .init(code: .frameTooLarge, message: "frame of \(length) bytes, the limit is \(Frames.maximumPayload)")
    }
    static func frameEmpty() -> Self { .init(code: .frameEmpty, message: "frame of 0 bytes") }
    static func malformed(_ detail: String) -> Self { .init(code: .malformed, message: detail) }
    static func notPermitted(_ kind: String, in state: String) -> Self {
        .init(code: .notPermitted, message: "\(kind) is not permitted while \(state)")
    }
    static func wrongVersion(_ version: UInt32) -> Self {
        .init(
            code: .wrongVersion,
            message: "peer speaks protocol version \(version), this side \(Frames.protocolVersion); upgrade the older one")
    }
    static func wrongRole(_ role: String) -> Self { .init(code: .wrongRole, message: "peer says it is \(role)") }
    static func untrustedKey(_ keyID: String) -> Self {
        .init(code: .untrustedKey, message: "key \(keyID.debugDescription) is not among the trusted keys of the settings")
    }
    static func badSignature(_ what: String) -> Self {
        .init(code: .badSignature, message: "signature of \(what) does not verify")
    }
    static func wrongPayloadType(_ type: String, expected: String) -> Self {
        .init(code: .wrongPayloadType, message: "envelope holds \(type.debugDescription), expected \(expected)")
    }
}

extension ProtocolError {
    /// A peer did what the protocol does not allow, in words.
    public static func violation(_ message: String) -> Self { .init(code: .malformed, message: message) }
}
