import Authentication
import JSON
import Testing

struct TokenVerifierTests {
    private static let now: Int64 = 1_700_000_000

    private func code(
        _ payload: String, _ requirements: TokenVerifier.Requirements = .init(issuer: "joe"), now: Int64 = now
    ) throws -> TokenError.Code? {
        let verifier = TokenVerifier(keys: [try TestTokens.key()], requirements: requirements)
        let token = try TestTokens.signed(payload: payload)
        return TokenError.Code.of { try verifier.verify(token, now: now) }
    }

    @Test func `the claims of an accepted token come out`() throws {
        let verifier = TokenVerifier(keys: [try TestTokens.key()], requirements: .init(issuer: "joe"))
        let payload = #"{"iss":"joe","sub":"deployer","jti":"1","exp":1700000001.5,"extra":[1]}"#
        let claims = try verifier.verify(TestTokens.signed(payload: payload), now: Self.now)
        #expect(claims.iss == "joe")
        #expect(claims.sub == "deployer")
        #expect(claims.jti == "1")
        #expect(claims.exp == 1_700_000_002)
        #expect(claims["extra"] == .array([.integer(1)]))
    }

    @Test(
        arguments: [
            // exp, skew, seconds from now: accepted up to one second before, refused on it.
            (0, -1, true), (0, 0, false), (0, 1, false), (60, 59, true), (60, 60, false), (60, 61, false),
        ] as [(Int64, Int64, Bool)])
    func `a token expires on its second, and not before`(skew: Int64, late: Int64, accepted: Bool) throws {
        let requirements = TokenVerifier.Requirements(issuer: "joe", clockSkew: skew)
        let code = try code("{\"iss\":\"joe\",\"exp\":\(Self.now)}", requirements, now: Self.now + late)
        #expect(code == (accepted ? nil : .expired))
    }

    @Test(arguments: ["nbf", "iat"])
    func `a token begins on its second, and not before`(claim: String) throws {
        let payload = "{\"iss\":\"joe\",\"exp\":\(Self.now + 1000),\"\(claim)\":\(Self.now)}"
        for (skew, early, accepted) in [(0, 0, true), (0, 1, false), (60, 60, true), (60, 61, false)] as [(Int64, Int64, Bool)] {
            let requirements = TokenVerifier.Requirements(issuer: "joe", clockSkew: skew)
            #expect(try code(payload, requirements, now: Self.now - early) == (accepted ? nil : .notYetValid))
        }
    }

    @Test func `a token is used up to its greatest age, and not beyond`() throws {
        let payload = "{\"iss\":\"joe\",\"exp\":\(Self.now + 100_000),\"iat\":\(Self.now)}"
        let requirements = TokenVerifier.Requirements(issuer: "joe", clockSkew: 5, maximumAge: 300)
        #expect(try code(payload, requirements, now: Self.now + 304) == nil)
        #expect(try code(payload, requirements, now: Self.now + 305) == .expired)
        #expect(try code("{\"iss\":\"joe\",\"exp\":\(Self.now + 100_000)}", requirements) == .claim)
    }

    @Test func `the default skew is a minute`() throws {
        #expect(try code("{\"iss\":\"joe\",\"exp\":\(Self.now - 59)}") == nil)
        #expect(try code("{\"iss\":\"joe\",\"exp\":\(Self.now - 60)}") == .expired)
    }

    @Test func `a token without expiry is refused`() throws {
        #expect(try code(#"{"iss":"joe"}"#) == .claim)
        #expect(try code(#"{"iss":"joe","exp":null}"#) == .malformed)
    }

    @Test(arguments: [
        "\"1800000000\"", "true", "-1", "9007199254740992", "1e400", "-1e400", "[1800000000]", "{}", "null",
    ])
    func `a time that is no plain number of seconds is refused`(value: String) throws {
        #expect(try code("{\"iss\":\"joe\",\"exp\":\(value)}") == .malformed)
        for claim in ["nbf", "iat"] {
            #expect(try code("{\"iss\":\"joe\",\"exp\":1800000000,\"\(claim)\":\(value)}") == .malformed)
        }
    }

    @Test(arguments: ["1800000000", "1.8e9", "1800000000.25", "9007199254740991"])
    func `a time may be written as any number`(value: String) throws {
        #expect(try code("{\"iss\":\"joe\",\"exp\":\(value)}") == nil)
    }

    @Test(arguments: [
        #""iss":"Joe""#, #""iss":"joe ""#, #""iss":"""#, #""sub":"joe""#, #""iss":"jo\u00e9""#,
    ])
    func `another issuer is refused`(claim: String) throws {
        #expect(try code("{\"exp\":1800000000,\(claim)}") == .issuer)
    }

    @Test func `an issuer that only looks the same is refused`() throws {
        let requirements = TokenVerifier.Requirements(issuer: "caf\u{e9}")
        #expect(try code("{\"exp\":1800000000,\"iss\":\"caf\u{e9}\"}", requirements) == nil)
        #expect(try code("{\"exp\":1800000000,\"iss\":\"cafe\u{301}\"}", requirements) == .issuer)
    }

    @Test(
        arguments: [
            (#""aud":"a""#, nil), (#""aud":["a"]"#, nil), (#""aud":["b","a"]"#, nil), (#""aud":"b""#, .audience),
            (#""aud":["b"]"#, .audience), (#""aud":[]"#, .audience), (#""x":1"#, .audience), (#""aud":"A""#, .audience),
            (#""aud":1"#, .malformed), (#""aud":["a",1]"#, .malformed), (#""aud":{"a":"a"}"#, .malformed),
            (#""aud":null"#, .malformed),
            (#""aud":[["a"]]"#, .malformed),
        ] as [(String, TokenError.Code?)])
    func `the audience must be or contain ours`(claim: String, expected: TokenError.Code?) throws {
        let requirements = TokenVerifier.Requirements(issuer: "joe", audience: "a")
        #expect(try code("{\"iss\":\"joe\",\"exp\":1800000000,\(claim)}", requirements) == expected)
    }

    @Test(arguments: [#""a""#, #"["a"]"#, "[]", #""""#])
    func `a token for an audience is refused where none is set`(audience: String) throws {
        #expect(try code("{\"iss\":\"joe\",\"exp\":1800000000,\"aud\":\(audience)}") == .audience)
    }

    @Test func `subject and claims must be what is asked for`() throws {
        let requirements = try TokenVerifier.Requirements(
            issuer: "joe", subject: "deployer",
            claims: [ClaimDemand("env", .equals(.string("production"))), ClaimDemand("level", .equals(.integer(3)))])
        func payload(_ sub: String, _ env: String, _ level: String) -> String {
            "{\"iss\":\"joe\",\"exp\":1800000000,\"sub\":\(sub),\"env\":\(env),\"level\":\(level)}"
        }
        #expect(try code(payload(#""deployer""#, #""production""#, "3"), requirements) == nil)
        #expect(try code(payload(#""Deployer""#, #""production""#, "3"), requirements) == .subject)
        #expect(try code(payload(#""deployer""#, #"["production"]"#, "3"), requirements) == .claim)
        #expect(try code(payload(#""deployer""#, #""production""#, #""3""#), requirements) == .claim)
        #expect(try code(payload(#""deployer""#, #""production""#, "4"), requirements) == .claim)
        #expect(try code(#"{"iss":"joe","exp":1800000000,"sub":"deployer"}"#, requirements) == .claim)
        #expect(try code(#"{"iss":"joe","exp":1800000000}"#, requirements) == .subject)
    }

    @Test(arguments: [
        "", "1", "[]", "null", #"{"iss":"joe","exp":1800000000"#, #"{"iss":"joe","iss":"joe","exp":1800000000}"#,
        #"{"iss":"joe","exp":1,"exp":1800000000}"#, #"{"iss":"joe","exp":1800000000}x"#, #"{"iss":"\ud800","exp":1800000000}"#,
        #"{"iss":["joe"],"exp":1800000000}"#, #"{"iss":"joe","exp":1800000000,"jti":1}"#,
        #"{"iss":"joe","exp":1800000000,"sub":null}"#,
        #"{"iss":"joe","exp":1800000000,"x":"# + String(repeating: "[", count: 16) + String(repeating: "]", count: 16) + "}",
    ])
    func `a payload that is no proper set of claims is refused`(payload: String) throws {
        #expect(try code(payload) == .malformed)
    }

    @Test func `the signature is looked at before any claim`() throws {
        let verifier = TokenVerifier(keys: [try TestTokens.key()], requirements: .init(issuer: "joe"))
        let token = try TestTokens.signed(payload: #"{"iss":"other","exp":1}"#, secret: "another")
        #expect(TokenError.Code.of { try verifier.verify(token, now: Self.now) } == .signature)
    }

    @Test func `the printed token of RFC 7515 has expired in 2011`() throws {
        let vector = RFCVectors.all[0]
        let verifier = TokenVerifier(
            keys: try TestTokens.keys(vector.jwk), requirements: .init(issuer: "joe", clockSkew: 0))
        #expect(try verifier.verify(vector.token, now: 1_300_819_379).exp == 1_300_819_380)
        #expect(TokenError.Code.of { try verifier.verify(vector.token, now: 1_300_819_380) } == .expired)
    }
}
