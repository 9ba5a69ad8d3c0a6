internal import COpenSSL

/// What went wrong with a secret, a key or a signature. Never holds any of them.
public struct AuthenticationError: Error, CustomStringConvertible {
    /// What kind of failure.
    public enum Code: String, Sendable {
        case emptySecret = "empty-secret"
        case unreadable
        case unsafeFile = "unsafe-file"
        case tooLarge = "too-large"
        case badKey = "bad-key"
        case badForm = "bad-form"
        case notSupported = "not-supported"
        case library
    }

    /// What kind of failure.
    public let code: Code
    /// The step, the object, and where there is one the next thing to do.
    public let message: String

    /// What a log line shows.
    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// A call into OpenSSL failed. Empties its error queue, so that a later call does not report this one's reason.
    static func library(_ step: String) -> AuthenticationError {
        let number = ERR_peek_error()
        var text = [CChar](repeating: 0, count: 160)
        unsafe text.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { unsafe ERR_error_string_n(number, base, buffer.count) }
        }
        ERR_clear_error()
        let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return .init(.library, number == 0 ? "\(step) failed" : "\(step) failed: \(reason)")
    }
}
