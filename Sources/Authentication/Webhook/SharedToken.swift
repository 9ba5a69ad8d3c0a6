/// A token that the sender shows in a header as it is. It signs nothing: whoever has seen one delivery can send any other.
public final class SharedToken: WebhookScheme {
    /// Where the token is.
    public struct Form: Sendable {
        let name: String
        let summary: String
        let challenge: String
        let header: String
        /// What stands before the token, in any case of letters, with a space behind it (RFC 9110 section 11.4).
        var authenticationScheme: String?
        var deliveryHeader: String?

        /// `Authorization: Bearer TOKEN` (RFC 6750 section 2.1).
        public static let bearer = Self(
            name: "bearer", summary: "a bearer token in Authorization", challenge: "Bearer realm=\"sallyport\"",
            header: "Authorization", authenticationScheme: "Bearer")

        /// A header whose whole value is the key.
        ///
        /// - Throws: ``AuthenticationError`` when it is no header's name.
        public static func apiKey(header: String) throws(AuthenticationError) -> Self {
            try HeaderName.check(header)
            return Self(
                name: "api-key", summary: "an API key in \(header)", challenge: "API-Key header=\"\(header)\"", header: header)
        }
    }

    /// What it is called, and what it asks for.
    public let about: SchemeDescription
    private let form: Form
    private let secrets: [SecretBytes]
    private let matcher: SecretMatcher

    /// - Throws: ``AuthenticationError`` when there is no secret, too many, or an empty one.
    public init(_ form: Form, secrets: [SecretBytes]) throws(AuthenticationError) {
        about = SchemeDescription(name: form.name, summary: form.summary, challenge: form.challenge, covers: .nothing)
        self.form = form
        self.secrets = secrets
        matcher = try SecretMatcher(secrets)
    }

    /// Holds the token in the header against every secret; the body is not looked at.
    public func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> SchemeCheck {
        var value = try single(form.header, in: head)
        if let scheme = form.authenticationScheme {
            let parts = value.split(separator: 0x20, maxSplits: 1)
            guard parts.count == 2, String(decoding: parts[0], as: UTF8.self).lowercased() == scheme.lowercased() else {
                throw refusal(.malformed, "\(form.header) is not `\(scheme) …`")
            }
            value = parts[1].drop { $0 == 0x20 }
        }
        guard matcher.matches(value) else { throw refusal(.mismatch, "the token in \(form.header) is not the hook's") }
        return .proven
    }

    /// The header that a sender adds.
    public func sign(_ message: WebhookMessage) throws(AuthenticationError) -> SignedParts {
        let token = try secrets[0].textToSend()
        let headers = form.deliveryHeader.map { [(name: $0, value: message.id)] } ?? []
        return SignedParts(headers + [(form.header, form.authenticationScheme.map { "\($0) \(token)" } ?? token)])
    }
}
