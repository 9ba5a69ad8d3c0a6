/// Why a token is not accepted. Never holds the token or a part of its signature or key.
public struct TokenError: Error, CustomStringConvertible, Equatable {
    /// What kind of refusal.
    public enum Code: String, Sendable {
        case malformed
        case tooLong = "too-long"
        case algorithm
        case key
        case signature
        case expired
        case notYetValid = "not-yet-valid"
        case issuer
        case audience
        case subject
        case claim
        case body
    }

    /// What kind of refusal.
    public let code: Code
    /// For people.
    public let message: String

    /// For people.
    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
