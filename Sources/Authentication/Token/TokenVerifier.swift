internal import JSON

/// What a token must be to be accepted: signed by a known key of its issuer, for us, now, and saying what is asked.
public struct TokenVerifier: Sendable {
    /// Issuers one verifier may know.
    public static let maximumIssuers = 16

    /// One issuer: its keys sign its tokens and nobody else's.
    public struct Issuer: Sendable {
        /// Its keys.
        public let keys: [TokenKey]
        /// What is asked of its tokens.
        public let requirements: Requirements

        /// Accepts what `keys` have signed and `requirements` allow.
        public init(keys: [TokenKey], requirements: Requirements) {
            self.keys = keys
            self.requirements = requirements
        }
    }

    /// Those whose tokens are accepted, at least one; no two of one name.
    public let issuers: [Issuer]
    /// Of this verifier and its copies alone, so that nothing another one accepted is taken from a cache.
    private let identity: [UInt8]

    /// Accepts tokens of several issuers. Which one a token is of says its `iss`; only that one's keys are tried and only that
    /// one's requirements hold (RFC 8725 section 3.8).
    public init(issuers: [Issuer]) {
        self.issuers = issuers
        identity = Random.bytes(16)
    }

    /// Accepts what `keys` have signed and `requirements` allow.
    public init(keys: [TokenKey], requirements: Requirements) {
        self.init(issuers: [Issuer(keys: keys, requirements: requirements)])
    }

    /// Their names.
    public var issuerNames: [String] { issuers.compactMap(\.requirements.issuer) }

    /// SHA-256 over what is asked and over the names of the keys, hexadecimal: two verifiers that differ in it accept other tokens.
    public var digest: String {
        let parts = issuers.map { issuer in
            "\(issuer.requirements.parts + issuer.keys.map { "\($0.id ?? "") \($0.algorithm)" })"
        }
        return Hex.encode(SHA256.hash(Array("\(parts)".utf8)))
    }

    /// The claims of an acceptable token. `now` is in Unix seconds, `bodyDigest` the SHA-256 of the request's body where it is
    /// known.
    ///
    /// With a `cache`, the signature of a token that it knows is not verified again; every claim is checked each time.
    ///
    /// - Throws: ``TokenError`` with the first thing that is wrong; the signature is looked at before any claim but, where there are
    ///   several issuers, `iss`.
    public func verify(
        _ text: String, now: Int64, bodyDigest: [UInt8]? = nil, cache: VerifiedTokens? = nil
    ) throws(TokenError) -> TokenClaims {
        guard let cache, usesCache, text.utf8.count <= CompactToken.maximumLength else {
            let token = try signed(text)
            return try issuers[token.issuer].requirements.check(token.claims, now: now, bodyDigest: bodyDigest)
        }
        let key = VerifiedTokens.Key(text, verifier: identity)
        if let known = cache.find(key) {
            return try issuers[known.issuer].requirements.check(known.claims, now: now, bodyDigest: bodyDigest)
        }
        let token = try signed(text)
        let claims = try issuers[token.issuer].requirements.check(token.claims, now: now, bodyDigest: bodyDigest)
        cache.store(.init(claims: token.claims, issuer: token.issuer), bytes: token.bytes, for: key)
        return claims
    }

    /// Looking a token up costs as much as the HMAC of a shared secret.
    private var usesCache: Bool { issuers.contains { $0.keys.contains { !$0.isSymmetric } } }

    /// The claims whose signature is good, and whose they are.
    private func signed(_ text: String) throws(TokenError) -> (claims: JSONValue, issuer: Int, bytes: Int) {
        let token = try CompactToken(text)
        guard issuers.count != 1 else {
            let issuer = issuers[0]
            try TokenSignature.verify(token, keys: issuer.keys, types: issuer.requirements.types)
            return (try CompactToken.object(token.payload, "payload"), 0, token.payload.count)
        }
        // Not believed yet; it only says whose keys are to be tried.
        let claims = try CompactToken.object(token.payload, "payload")
        guard let stated = claims["iss"], stated.string != nil else {
            throw TokenError(.issuer, "the token does not say who issued it")
        }
        guard let index = issuers.firstIndex(where: { $0.requirements.issuer.map { .string($0) == stated } ?? false }) else {
            throw TokenError(.issuer, "the token is of another issuer")
        }
        try TokenSignature.verify(token, keys: issuers[index].keys, types: issuers[index].requirements.types)
        return (claims, index, token.payload.count)
    }
}
