public import JSON

/// What a token must be to be accepted: signed by a known key, of the right issuer, for us, now, and saying what is asked.
public struct TokenVerifier: Sendable {
    /// What is asked of a token beyond its signature.
    public struct Requirements: Sendable {
        /// `iss` must be this.
        public var issuer: String
        /// `aud` must be or contain this; nil refuses every token that has an audience.
        public var audience: String?
        /// `sub` must be this, where given.
        public var subject: String?
        /// Claims that must be there with this value.
        public var claims: [String: JSONValue]
        /// Seconds by which clocks may differ.
        public var clockSkew: Int64
        /// Seconds a token may be old, counted from `iat`; nil for any age that `exp` allows.
        public var maximumAge: Int64?
        /// Accepted `typ` headers, lower case, without `application/`.
        public var types: Set<String>

        /// Requirements with the usual clock skew of 60 seconds.
        public init(
            issuer: String, audience: String? = nil, subject: String? = nil, claims: [String: JSONValue] = [:],
            clockSkew: Int64 = 60, maximumAge: Int64? = nil, types: Set<String> = TokenSignature.types
        ) {
            self.issuer = issuer
            self.audience = audience
            self.subject = subject
            self.claims = claims
            self.clockSkew = clockSkew
            self.maximumAge = maximumAge
            self.types = types
        }
    }

    private let keys: [TokenKey]
    private let requirements: Requirements

    /// Accepts what `keys` have signed and `requirements` allow.
    public init(keys: [TokenKey], requirements: Requirements) {
        self.keys = keys
        self.requirements = requirements
    }

    /// SHA-256 over what is asked and over the names of the keys, hexadecimal: two verifiers that differ in it accept other tokens.
    public var digest: String {
        let claims = requirements.claims.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let parts =
            [requirements.issuer, requirements.audience ?? "", requirements.subject ?? "", "\(requirements.clockSkew)"]
            + ["\(requirements.maximumAge ?? -1)"] + requirements.types.sorted() + claims
            + keys.map { "\($0.id ?? "") \($0.algorithm)" }
        return Hex.encode(SHA256.hash(Array("\(parts)".utf8)))
    }

    /// The claims of an acceptable token. `now` is in Unix seconds.
    ///
    /// RFC 7519 section 4.1: `exp` must be there and ahead, `nbf` and `iat` not ahead.
    ///
    /// - Throws: ``TokenError`` with the first thing that is wrong; the signature is looked at before any claim.
    public func verify(_ text: String, now: Int64) throws(TokenError) -> TokenClaims {
        let payload = try TokenSignature.payload(of: text, keys: keys, types: requirements.types)
        let claims = try CompactToken.object(payload, "payload")
        let expiry = try checkTimes(claims, now: now)
        for name in ["iss", "sub", "jti"] {
            guard let value = claims[name], value.string == nil else { continue }
            throw TokenError(.malformed, "the token's \(name) is no string")
        }
        guard claims["iss"] == .string(requirements.issuer) else { throw TokenError(.issuer, "the token is of another issuer") }
        try checkAudience(claims["aud"])
        if let subject = requirements.subject, claims["sub"] != .string(subject) {
            throw TokenError(.subject, "the token is about another subject")
        }
        for (name, value) in requirements.claims.sorted(by: { $0.key < $1.key }) where claims[name] != value {
            throw TokenError(.claim, "the token's claim \(name) is not what is asked for")
        }
        return TokenClaims(object: claims, exp: expiry)
    }

    /// The expiry, when now is a time at which the token may be used.
    private func checkTimes(_ claims: JSONValue, now: Int64) throws(TokenError) -> Int64 {
        let skew = Double(requirements.clockSkew)
        let now = Double(now)
        guard let expiry = try time("exp", claims) else { throw TokenError(.claim, "the token has no expiry") }
        guard now < expiry + skew else { throw TokenError(.expired, "the token has expired") }
        if let start = try time("nbf", claims), now + skew < start {
            throw TokenError(.notYetValid, "the token is not valid yet")
        }
        let issued = try time("iat", claims)
        if let issued, now + skew < issued { throw TokenError(.notYetValid, "the token was issued in the future") }
        if let maximum = requirements.maximumAge {
            guard let issued else { throw TokenError(.claim, "the token does not say when it was issued") }
            guard now < issued + Double(maximum) + skew else { throw TokenError(.expired, "the token is too old") }
        }
        return Int64(expiry.rounded(.up))
    }

    /// Seconds below this are exact in a double.
    private static let timeLimit = 9_007_199_254_740_992.0

    /// RFC 7519 section 2: NumericDate is a number of seconds, perhaps with a fraction.
    private func time(_ name: String, _ claims: JSONValue) throws(TokenError) -> Double? {
        guard let value = claims[name] else { return nil }
        guard let seconds = value.number?.double, seconds >= 0, seconds < Self.timeLimit else {
            throw TokenError(.malformed, "the token's \(name) is no time")
        }
        return seconds
    }

    private func checkAudience(_ claim: JSONValue?) throws(TokenError) {
        var audiences: [JSONValue] = []
        if let claim { audiences = claim.array ?? [claim] }
        guard audiences.allSatisfy({ $0.string != nil }) else {
            throw TokenError(.malformed, "the token's audience is neither a string nor a list of strings")
        }
        guard let audience = requirements.audience else {
            // Section 4.1.3: whoever is not in the audience must refuse.
            guard claim == nil else { throw TokenError(.audience, "the token is for an audience, and none is set here") }
            return
        }
        guard audiences.contains(.string(audience)) else {
            throw TokenError(.audience, "the token is for another audience")
        }
    }
}
