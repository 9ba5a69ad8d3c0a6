internal import JSON

extension TokenVerifier {
    /// What is asked of a token of one issuer beyond its signature.
    public struct Requirements: Sendable {
        /// Seconds by which clocks may differ, when nothing is said.
        public static let standardSkew: Int64 = 60
        /// Seconds by which clocks may be allowed to differ; RFC 7519 section 4.1.4 speaks of a few minutes.
        public static let maximumSkew: Int64 = 300

        /// `iss` must be this; nil accepts any or none, which is for tools alone.
        public var issuer: String?
        /// `aud` must be or contain this; nil refuses every token that has an audience.
        public var audience: String?
        /// `sub` must be this, where given.
        public var subject: String?
        /// Claims that must be there, each as its rule says; all of them.
        public var claims: [ClaimDemand]
        /// Seconds by which clocks may differ.
        public var clockSkew: Int64
        /// Seconds a token may be old, counted from `iat`; nil for any age that `exp` allows.
        public var maximumAge: Int64?
        /// The token must state the digest of the body, see ``BodyBinding``.
        public var bindsBody: Bool
        /// Accepted `typ` headers, lower case, without `application/`.
        public var types: Set<String>

        /// Requirements with the usual clock skew.
        public init(
            issuer: String?, audience: String? = nil, subject: String? = nil, claims: [ClaimDemand] = [],
            clockSkew: Int64 = standardSkew, maximumAge: Int64? = nil, bindsBody: Bool = false,
            types: Set<String> = TokenSignature.types
        ) {
            self.issuer = issuer
            self.audience = audience
            self.subject = subject
            self.claims = claims
            self.clockSkew = clockSkew
            self.maximumAge = maximumAge
            self.bindsBody = bindsBody
            self.types = types
        }
    }
}

extension TokenVerifier.Requirements {
    /// Everything that is asked, as texts that differ where requirements differ.
    var parts: [String] {
        [issuer ?? "", audience ?? "", subject ?? "", "\(clockSkew)", "\(maximumAge ?? -1)", "\(bindsBody)"]
            + types.sorted() + claims.map { "\($0.name) \($0.rule)" }.sorted()
    }

    /// The claims, when they are acceptable at `now`, in Unix seconds, for a body with this digest.
    ///
    /// - Throws: ``TokenError`` with the first thing that is wrong.
    func check(_ claims: JSONValue, now: Int64, bodyDigest: [UInt8]?) throws(TokenError) -> TokenClaims {
        let expiry = try checkTimes(claims, now: now)
        for name in ["iss", "sub", "jti"] {
            guard let value = claims[name], value.string == nil else { continue }
            throw TokenError(.malformed, "the token's \(name) is no string")
        }
        if let issuer, claims["iss"] != .string(issuer) { throw TokenError(.issuer, "the token is of another issuer") }
        try checkAudience(claims["aud"])
        if let subject, claims["sub"] != .string(subject) {
            throw TokenError(.subject, "the token is about another subject")
        }
        for demand in self.claims { try demand.check(claims) }
        try BodyBinding.check(claims, bodyDigest: bodyDigest, isRequired: bindsBody)
        return TokenClaims(object: claims, exp: expiry)
    }

    /// The expiry, when now is a time at which the token may be used: `exp` must be there and ahead, `nbf` and `iat` not ahead (RFC
    /// 7519 section 4.1). Before `exp` and `iat` + ``maximumAge`` is in time, on them is not; on `nbf` and `iat` is.
    private func checkTimes(_ claims: JSONValue, now: Int64) throws(TokenError) -> Int64 {
        let skew = Double(clockSkew)
        let now = Double(now)
        guard let expiry = try time("exp", claims) else { throw TokenError(.claim, "the token has no expiry") }
        guard now < expiry + skew else { throw TokenError(.expired, "the token has expired") }
        if let start = try time("nbf", claims), now + skew < start {
            throw TokenError(.notYetValid, "the token is not valid yet")
        }
        let issued = try time("iat", claims)
        if let issued, now + skew < issued { throw TokenError(.notYetValid, "the token was issued in the future") }
        if let maximumAge {
            guard let issued else { throw TokenError(.claim, "the token does not say when it was issued") }
            guard now < issued + Double(maximumAge) + skew else { throw TokenError(.expired, "the token is too old") }
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
        guard let audience else {
            // Section 4.1.3: whoever is not in the audience must refuse.
            guard claim == nil else { throw TokenError(.audience, "the token is for an audience, and none is set here") }
            return
        }
        guard audiences.contains(.string(audience)) else {
            throw TokenError(.audience, "the token is for another audience")
        }
    }
}
