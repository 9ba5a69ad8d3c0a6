import Authentication
import JSON
import Testing

/// One verifier, several issuers: each with its own keys.
struct TokenIssuersTests {
    private static let now: Int64 = 1_700_000_000
    private let first: Ed25519PrivateKey
    private let second: Ed25519PrivateKey
    private let verifier: TokenVerifier

    init() throws {
        first = try .generate()
        second = try .generate()
        verifier = TokenVerifier(issuers: [
            .init(
                keys: try TestTokens.keys(first.publicKey.jwks(keyID: "a")),
                requirements: .init(issuer: "first", audience: "sallyport")),
            .init(
                keys: try TestTokens.keys(second.publicKey.jwks(keyID: "b")),
                requirements: .init(issuer: "second", claims: [try ClaimDemand("env", .equals(.string("production")))])),
        ])
    }

    private func code(
        _ key: Ed25519PrivateKey, kid: String?, issuer: JSONValue?, _ more: (String, JSONValue)...
    ) throws -> TokenError.Code? {
        var claims: [(name: String, value: JSONValue)] = [("exp", .integer(Self.now + 60))]
        if let issuer { claims.append(("iss", issuer)) }
        claims += more.map { (name: $0.0, value: $0.1) }
        let token = try TokenIssuer(pem: key.pem(), origin: "test", keyID: kid).issue(JSONObject(claims))
        return TokenError.Code.of { try verifier.verify(token, now: Self.now) }
    }

    @Test func `each issuer's tokens are held to what is asked of that issuer`() throws {
        let (audience, env) = (("aud", JSONValue.string("sallyport")), ("env", JSONValue.string("production")))
        #expect(try code(first, kid: "a", issuer: .string("first"), audience) == nil)
        #expect(try code(second, kid: "b", issuer: .string("second"), env) == nil)
        #expect(try code(first, kid: "a", issuer: .string("first")) == .audience)
        #expect(try code(second, kid: "b", issuer: .string("second")) == .claim)
        #expect(try code(second, kid: "b", issuer: .string("second"), env, audience) == .audience)
    }

    @Test func `an issuer's key signs nobody else's tokens`() throws {
        let audience = ("aud", JSONValue.string("sallyport"))
        #expect(try code(second, kid: "b", issuer: .string("first"), audience) == .key)
        #expect(try code(second, kid: "a", issuer: .string("first"), audience) == .signature)
        #expect(try code(second, kid: nil, issuer: .string("first"), audience) == .signature)
        #expect(try code(first, kid: "a", issuer: .string("second"), ("env", .string("production"))) == .key)
    }

    @Test func `a token of nobody, or of somebody unknown, is refused`() throws {
        for issuer in [nil, .string("third"), .string(""), .integer(1), .null, .array([.string("first")])] as [JSONValue?] {
            #expect(try code(first, kid: "a", issuer: issuer, ("aud", .string("sallyport"))) == .issuer)
        }
    }

    @Test func `several issuers have another digest than each alone`() {
        let alone = verifier.issuers.map { TokenVerifier(issuers: [$0]).digest }
        #expect(Set(alone + [verifier.digest, TokenVerifier(issuers: verifier.issuers.reversed()).digest]).count == 4)
        #expect(TokenVerifier(issuers: verifier.issuers).digest == verifier.digest)
    }
}
