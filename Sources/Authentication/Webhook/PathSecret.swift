/// A secret in the path, `/hooks/{name}/{secret}`, for senders that can do nothing else, such as Docker Hub.
///
/// It signs nothing, and addresses are written down in more places than headers are: in the sender's pages, in a proxy's log. Here the
/// path is never logged.
public final class PathSecret: WebhookScheme {
    /// What it is called, and what it asks for.
    public let about = SchemeDescription(
        name: "path-secret", summary: "the secret in the path", challenge: "Path-Secret", usesPath: true,
        covers: .nothing)
    private let secrets: [SecretBytes]
    private let matcher: SecretMatcher

    /// - Throws: ``AuthenticationError`` when there is no secret, too many, one shorter than ``SignatureLimits/pathSecret``, or one with
    ///   characters that a path would have to quote (RFC 3986 section 2.3).
    public init(secrets: [SecretBytes]) throws(AuthenticationError) {
        matcher = try SecretMatcher(secrets)
        for secret in secrets {
            guard secret.count >= SignatureLimits.pathSecret else {
                throw AuthenticationError(
                    .emptySecret,
                    "a secret in a path has at least \(SignatureLimits.pathSecret) characters; make one with: openssl rand -hex 24"
                )
            }
            guard secret.isUnreserved else {
                throw AuthenticationError(.badForm, "a secret in a path has letters, digits, `-`, `.`, `_` and `~` only")
            }
        }
        self.secrets = secrets
    }

    /// Holds the last segment of the path against every secret; the body is not looked at.
    public func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> SchemeCheck {
        guard let secret = head.pathSecret, !secret.isEmpty else {
            throw refusal(.missing, "the secret in the path is missing: /hooks/{name}/{secret}")
        }
        guard matcher.matches(secret.utf8) else { throw refusal(.mismatch, "the secret in the path is not the hook's") }
        return .proven
    }

    /// The segment that a sender adds.
    public func sign(_ message: WebhookMessage) throws(AuthenticationError) -> SignedParts {
        SignedParts(pathSecret: try secrets[0].textToSend())
    }
}
