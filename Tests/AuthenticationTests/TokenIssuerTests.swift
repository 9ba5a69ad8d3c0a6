import Authentication
import JSON
import Testing

struct TokenIssuerTests {
    private static let claims = JSONObject([
        (name: "iss", value: .string("joe")), (name: "exp", value: .integer(1_800_000_000)), (name: "é\n", value: .null),
    ])

    private func pem(_ algorithm: TokenAlgorithm) -> String? {
        switch algorithm {
        case .hs256, .hs384, .hs512: nil
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: TestKeys.rsaPEM
        case .es256: TestKeys.p256PEM
        case .es384: TestKeys.p384PEM
        case .es512: TestKeys.p521PEM
        case .edDSA: TestKeys.ed25519PEM
        }
    }

    private func issuer(_ algorithm: TokenAlgorithm, keyID: String? = nil) throws -> TokenIssuer {
        guard let pem = pem(algorithm) else {
            return try TokenIssuer(secret: SecretBytes(TestKeys.secret), algorithm: algorithm, keyID: keyID)
        }
        return try TokenIssuer(pem: SecretBytes(pem), origin: "test", algorithm: algorithm, keyID: keyID)
    }

    @Test(arguments: TokenAlgorithm.allCases)
    func `what is issued verifies, and with any byte changed it does not`(algorithm: TokenAlgorithm) throws {
        let token = try issuer(algorithm, keyID: "k1").issue(Self.claims)
        let key = try TestTokens.key(for: algorithm)
        let verifier = TokenVerifier(keys: [key], requirements: .init(issuer: "joe"))
        #expect(try verifier.verify(token, now: 1_700_000_000).object == .object(Self.claims))
        let parts = token.split(separator: ".").map(String.init)
        let header = try JSONValue.parse(#require(Base64.decodeURL(parts[0].utf8)))
        #expect(header.description == "{\"alg\":\"\(algorithm.rawValue)\",\"typ\":\"JWT\",\"kid\":\"k1\"}")
        let signature = try #require(Base64.decodeURL(parts[2].utf8))
        for changed in signature.withOneBitChanged {
            let forged = "\(parts[0]).\(parts[1]).\(Base64.encodeURL(changed))"
            #expect(TokenError.Code.of { try TokenSignature.payload(of: forged, keys: [key]) } == .signature)
        }
        for wrong in [signature.dropLast(), signature + [0], [0] + signature] {
            let forged = "\(parts[0]).\(parts[1]).\(Base64.encodeURL(Array(wrong)))"
            #expect(TokenError.Code.of { try TokenSignature.payload(of: forged, keys: [key]) } == .signature)
        }
    }

    @Test(arguments: [TestKeys.rsaJWK, TestKeys.p256JWK, TestKeys.p384JWK, TestKeys.p521JWK, TestKeys.ed25519JWK])
    func `a private JWK signs what its public half verifies`(jwk: String) throws {
        let token = try TokenIssuer(jwk: Array(jwk.utf8), origin: "test").issue(Self.claims)
        _ = try TokenSignature.payload(of: token, keys: TestTokens.keys(jwk))
        _ = try TokenSignature.payload(of: token, keys: TestTokens.keys(TestTokens.jwk(jwk)))
    }

    @Test func `the key of RFC 8037 signs what the RFC prints`() throws {
        let parts = RFCVectors.all[3].token.split(separator: ".").map(String.init)
        let key = try Ed25519PrivateKey(pem: SecretBytes(TestKeys.ed25519PEM), origin: "test")
        #expect(try Base64.encodeURL(key.sign(Array("\(parts[0]).\(parts[1])".utf8))) == parts[2])
    }

    @Test(arguments: [
        (TestKeys.rsaPEM, "RS256"), (TestKeys.p256PEM, "ES256"), (TestKeys.p384PEM, "ES384"), (TestKeys.p521PEM, "ES512"),
        (TestKeys.ed25519PEM, "EdDSA"),
    ])
    func `a private key has one algorithm unless it is RSA`(pem: String, algorithm: String) throws {
        let token = try TokenIssuer(pem: SecretBytes(pem), origin: "test").issue(Self.claims)
        let header = try #require(Base64.decodeURL(token.split(separator: ".")[0].utf8))
        #expect(try JSONValue.parse(header)["alg"] == .string(algorithm))
        for other in TokenAlgorithm.allCases where other.rawValue != algorithm {
            if algorithm == "RS256", other.rawValue.hasPrefix("RS") || other.rawValue.hasPrefix("PS") { continue }
            let error = #expect(throws: AuthenticationError.self) {
                try TokenIssuer(pem: SecretBytes(pem), origin: "key.pem", algorithm: other)
            }
            #expect(error?.message.contains("key.pem") == true)
        }
    }

    @Test func `the type in the header is the caller's choice`() throws {
        let token = try issuer(.hs256).issue(Self.claims, type: "job+jwt")
        let key = try TestTokens.key()
        #expect(TokenError.Code.of { try TokenSignature.payload(of: token, keys: [key]) } == .malformed)
        _ = try TokenSignature.payload(of: token, keys: [key], types: ["job+jwt"])
    }

    @Test func `a public key's set verifies what its private half signed`() throws {
        let key = try Ed25519PrivateKey.generate()
        let token = try TokenIssuer(pem: key.pem(), origin: "test", keyID: "main").issue(Self.claims)
        _ = try TokenSignature.payload(of: token, keys: TestTokens.keys(key.publicKey.jwks(keyID: "main")))
        #expect(
            TokenError.Code.of {
                try TokenSignature.payload(of: token, keys: TestTokens.keys(key.publicKey.jwks(keyID: "other")))
            } == .key)
    }
}
