/// A user's name and password (RFC 7617). They sign nothing: whoever has seen one delivery can send any other.
public final class BasicPassword: WebhookScheme {
    /// What it is called, and what it asks for.
    public let about: SchemeDescription
    private let user: String
    private let passwords: [SecretBytes]
    private let matcher: SecretMatcher

    /// - Throws: ``AuthenticationError`` when the name is empty or has a colon, or there is no password, too many, or an empty one.
    public init(user: String, passwords: [SecretBytes]) throws(AuthenticationError) {
        guard !user.isEmpty, !user.contains(":"), !user.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw AuthenticationError(.badForm, "a user's name is not empty and has neither a colon nor control characters")
        }
        about = SchemeDescription(
            name: "basic", summary: "the password of user \(user)", challenge: "Basic realm=\"sallyport\", charset=\"UTF-8\"",
            covers: .nothing)
        self.user = user
        self.passwords = passwords
        matcher = try SecretMatcher(passwords, after: user + ":")
    }

    /// Holds `Authorization` against the name and every password; the body is not looked at.
    public func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> SchemeCheck {
        let parts = try single("Authorization", in: head).split(separator: 0x20, maxSplits: 1)
        guard parts.count == 2, String(decoding: parts[0], as: UTF8.self).lowercased() == "basic",
            let credentials = Base64.decode(parts[1].drop { $0 == 0x20 })
        else { throw refusal(.malformed, "Authorization is not `Basic …`") }
        guard matcher.matches(credentials) else {
            throw refusal(.mismatch, "user and password in Authorization are not the hook's")
        }
        return .proven
    }

    /// The header that a sender adds.
    public func sign(_ message: WebhookMessage) throws(AuthenticationError) -> SignedParts {
        SignedParts([("Authorization", "Basic " + Base64.encode(Array("\(user):\(try passwords[0].textToSend())".utf8)))])
    }
}
