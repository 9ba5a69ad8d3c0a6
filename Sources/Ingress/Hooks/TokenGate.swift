internal import Authentication
internal import JSON
internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import Synchronization
internal import Telemetry

/// Looks at callers' tokens, and remembers what must be known of them from one delivery to the next. One for all hooks.
final class TokenGate: Sendable {
    /// Seconds until a delivery may be sent again for which there was no room; tokens expire within minutes.
    static let retryAfter = 30

    /// A token that is accepted.
    struct Shown {
        let text: String
        let claims: TokenClaims
    }

    private let verified: VerifiedTokens
    private let used: Mutex<UsedTokens>

    /// Counts in `lookups` whether a token was known.
    init(lookups: CounterFamily? = nil, usedCapacity: Int = UsedTokens.capacity) {
        let (hit, miss) = (lookups?.with("hit"), lookups?.with("miss"))
        verified = VerifiedTokens { ($0 ? hit : miss)?.increment() }
        used = Mutex(UsedTokens(capacity: usedCapacity))
    }

    /// Ids of tokens kept because they may be used once.
    var keptCount: Int { used.withLock { $0.count } }

    /// The one token of the delivery, when it is acceptable; nil where none is asked for.
    ///
    /// - Throws: the ``Rejection``: no token, more than one, or one that is not valid.
    func check(
        _ rule: Hook.Token?, of delivery: Delivery, payload: JSONValue?, digest: [UInt8]
    ) throws(Rejection) -> Shown? {
        guard let rule else { return nil }
        var found: (place: TokenPlace, text: String)?
        for place in rule.places {
            guard let text = try place.text(in: delivery.headers, payload: payload) else { continue }
            // RFC 6750 section 2: which of them would count is a question that must not arise.
            if let found { throw .token("a token is in \(found.place) and in \(place)", reason: "repeated") }
            found = (place, text)
        }
        guard let (place, text) = found else {
            throw .token(
                "no token in " + rule.places.map(\.description).joined(separator: " or in "), reason: "missing")
        }
        let claims: TokenClaims
        do throws(TokenError) {
            claims = try rule.verifier.verify(text, now: delivery.receivedAt / 1000, bodyDigest: digest, cache: verified)
        } catch {
            throw .token("token in \(place) is not valid: \(error)", reason: error.code.rawValue)
        }
        guard !rule.once || claims.jti?.isEmpty == false else {
            throw .token("the token has no id (jti), and each is for one delivery here", reason: "claim")
        }
        return Shown(text: text, claims: claims)
    }

    /// Takes the token for this delivery: hook, event and body together. One without an event id gets that of its token, so that it
    /// runs once however often it is sent.
    ///
    /// - Throws: the ``Rejection`` when the token was used for another delivery, or cannot be remembered.
    func use(_ token: Shown, by request: inout WireJobRequest, at now: Int64) throws(Rejection) {
        let claims = token.claims
        let issuer = claims.iss ?? ""
        // The length in front: no two pairs run together.
        let id = SHA256.hash(Array("\(issuer.utf8.count):\(issuer)\(claims.jti ?? "")".utf8))
        let digest = [UInt8](request.bodyDigest)
        if request.eventID.isEmpty { request.eventID = "jti:\(Hex.encode(id))" }
        let key = SHA256.hash(
            Array(Dedupe.delivery.key(hook: request.hook, event: request.eventID, caller: "", digest: digest).utf8))
        // Another hook may allow clocks to differ by more than this one.
        let until = claims.exp + TokenVerifier.Requirements.maximumSkew
        switch used.withLock({ $0.use(id, for: key, until: until, now: now) }) {
        case .first, .again: return
        case .taken: throw .token("the token was used for another delivery", reason: "used")
        case .full:
            throw .unavailable(
                "too many tokens that may be used once are alive", outcome: "token-no-room", retryAfter: Self.retryAfter)
        }
    }
}
