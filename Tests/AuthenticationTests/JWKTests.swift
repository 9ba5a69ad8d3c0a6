import Authentication
import JSON
import Testing

struct JWKTests {
    private func refusal(_ json: String) -> String? {
        let error = #expect(throws: AuthenticationError.self) { try TestTokens.keys(json) }
        #expect(error?.code == .badKey)
        return error?.message
    }

    private static let oct = "{\"kty\":\"oct\",\"k\":\"\(Base64.encodeURL(Array(TestKeys.secret.utf8)))\"}"

    @Test(arguments: [
        (oct, TokenAlgorithm.hs256), (TestKeys.rsaJWK, .rs256), (TestKeys.p256JWK, .es256), (TestKeys.p384JWK, .es384),
        (TestKeys.p521JWK, .es512), (TestKeys.ed25519JWK, .edDSA),
    ])
    func `a key without an algorithm stands for one`(jwk: String, algorithm: TokenAlgorithm) throws {
        let keys = try TestTokens.keys(TestTokens.jwk(jwk))
        #expect(keys.map(\.algorithm) == [algorithm])
        #expect(keys.map(\.isSymmetric) == [algorithm == .hs256])
        #expect(keys.map(\.id) == [nil])
    }

    @Test func `a set gives its signature keys and passes over the others`() throws {
        let keys = try TestTokens.keys(
            """
            {"keys":[
              \(TestTokens.jwk(TestKeys.rsaJWK, adding: ["kid": "\"a\"", "use": "\"sig\"", "alg": "\"PS384\"", "x5t": "\"x\""])),
              \(TestTokens.jwk(TestKeys.rsaJWK, adding: ["use": "\"enc\""])),
              \(TestTokens.jwk(TestKeys.rsaJWK, adding: ["alg": "\"RSA-OAEP\""])),
              \(TestTokens.jwk(TestKeys.p256JWK, adding: ["key_ops": "[\"deriveKey\"]"])),
              {"kty":"OKP","crv":"X25519","x":"AAAA"},
              {"kty":"unheard-of"},
              \(TestTokens.jwk(TestKeys.ed25519JWK, adding: ["kid": "\"b\"", "alg": "\"Ed25519\"", "key_ops": "[\"verify\"]"]))
            ]}
            """)
        #expect(keys.map(\.id) == ["a", "b"])
        #expect(keys.map(\.algorithm) == [.ps384, .edDSA])
    }

    @Test(arguments: [
        "", "{", "[]", "{}", "null", #"{"keys":[]}"#, #"{"keys":{}}"#, #"{"kty":"oct"}"#, #"{"kty":"oct","k":""}"#,
        #"{"kty":"oct","k":"!!"}"#, #"{"kty":"oct","k":1}"#, #"{"kty":"oct","k":"AAAA"}"#, #"{"kty":"RSA"}"#,
        #"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
        #"{"kty":"EC","crv":"P-256"}"#, #"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#,
        #"{"kty":"OKP","crv":"Ed25519"}"#, #"{"keys":[null]}"#, #"{"keys":["x"]}"#, TestKeys.weakRSAJWK,
    ])
    func `a key that is broken or too weak is an error`(json: String) {
        #expect(refusal(json)?.hasPrefix("test: ") == true)
    }

    @Test(arguments: [
        ("alg", "\"HS256\""), ("alg", "\"ES384\""), ("alg", "\"EdDSA\""), ("key_ops", "\"verify\""), ("kid", "1"),
        ("kid", "null"),
        ("x", "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV\""), ("crv", "\"P-384\""),
        ("y", "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1\""),
    ])
    func `a member that does not fit an elliptic key is an error`(name: String, value: String) throws {
        #expect(refusal(try TestTokens.jwk(TestKeys.p256JWK, adding: [name: value])) != nil)
    }

    @Test func `a point off the curve is refused`() throws {
        let y = Base64.encodeURL([UInt8](repeating: 1, count: 32))
        #expect(refusal(try TestTokens.jwk(TestKeys.p256JWK, adding: ["y": "\"\(y)\""])) != nil)
    }

    @Test func `RSA numbers that are no key are refused`() throws {
        for (name, bytes) in [
            ("e", [1]), ("e", [2]), ("e", [UInt8](repeating: 0xff, count: 9)), ("n", [UInt8](repeating: 0xff, count: 1025)),
            ("n", [UInt8](repeating: 0xfe, count: 256)),
        ] as [(String, [UInt8])] {
            let changed = try TestTokens.jwk(TestKeys.rsaJWK, adding: [name: "\"\(Base64.encodeURL(bytes))\""])
            #expect(refusal(changed) != nil, "\(name)")
        }
    }

    @Test(arguments: [(TokenAlgorithm.hs256, 32), (.hs384, 48), (.hs512, 64)])
    func `a secret is as long as its hash or refused`(algorithm: TokenAlgorithm, bytes: Int) throws {
        let secret = Random.bytes(bytes)
        _ = try TokenKey(secret: SecretBytes(copying: secret), algorithm: algorithm)
        _ = try TestTokens.keys("{\"kty\":\"oct\",\"alg\":\"\(algorithm.rawValue)\",\"k\":\"\(Base64.encodeURL(secret))\"}")
        let short = Array(secret.dropLast())
        #expect(throws: AuthenticationError.self) { try TokenKey(secret: SecretBytes(copying: short), algorithm: algorithm) }
        #expect(refusal("{\"kty\":\"oct\",\"alg\":\"\(algorithm.rawValue)\",\"k\":\"\(Base64.encodeURL(short))\"}") != nil)
    }

    @Test func `a PEM file is no shared secret, and a secret is for HMAC alone`() {
        #expect(throws: AuthenticationError.self) { try TokenKey(secret: SecretBytes(TestKeys.rsaPublicPEM)) }
        for algorithm in TokenAlgorithm.allCases where !algorithm.rawValue.hasPrefix("HS") {
            #expect(throws: AuthenticationError.self) { try TokenKey(secret: SecretBytes(TestKeys.secret), algorithm: algorithm) }
        }
    }

    @Test func `a set holds up to 64 keys`() throws {
        func set(_ count: Int) -> String { "{\"keys\":[\([String](repeating: Self.oct, count: count).joined(separator: ","))]}" }
        #expect(try TestTokens.keys(set(64)).count == 64)
        #expect(refusal(set(65)) != nil)
    }

    @Test func `a key that cannot sign does not`() throws {
        for json in [
            try TestTokens.jwk(TestKeys.rsaJWK), try TestTokens.jwk(TestKeys.rsaJWK, without: ["qi"]),
            try TestTokens.jwk(TestKeys.p256JWK), try TestTokens.jwk(TestKeys.ed25519JWK),
            try TestTokens.jwk(TestKeys.p256JWK, without: [], adding: ["key_ops": "[\"verify\"]"]),
            try TestTokens.jwk(TestKeys.p256JWK, without: [], adding: ["use": "\"enc\""]),
            "{\"keys\":[\(TestKeys.p256JWK)]}", "{}", "",
        ] {
            let error = #expect(throws: AuthenticationError.self) { try TokenIssuer(jwk: Array(json.utf8), origin: "key.json") }
            #expect(error?.message.hasPrefix("key.json: ") == true)
        }
    }

    @Test func `halves that do not belong together are refused`() throws {
        let other = Base64.encodeURL([UInt8](repeating: 7, count: 32))
        for jwk in [TestKeys.p256JWK, TestKeys.ed25519JWK] {
            let mixed = try TestTokens.jwk(jwk, without: [], adding: ["d": "\"\(other)\""])
            #expect(throws: AuthenticationError.self) { try TokenIssuer(jwk: Array(mixed.utf8), origin: "test") }
        }
        let rsa = try TestTokens.jwk(TestKeys.rsaJWK, without: [], adding: ["p": "\"\(other)\""])
        #expect(throws: AuthenticationError.self) { try TokenIssuer(jwk: Array(rsa.utf8), origin: "test") }
    }
}
