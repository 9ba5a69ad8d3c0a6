import Authentication
import JSON
import Testing

struct TokenSignatureTests {
    @Test(arguments: RFCVectors.all)
    func `the tokens that RFCs print verify, and with any byte changed they do not`(vector: RFCVectors.Vector) throws {
        let keys = try TestTokens.keys(vector.jwk)
        let payload = try TokenSignature.payload(of: vector.token, keys: keys)
        let parts = vector.token.split(separator: ".").map(String.init)
        #expect(Base64.encodeURL(payload) == parts[1])
        for part in 1...2 {
            for changed in try #require(Base64.decodeURL(parts[part].utf8)).withOneBitChanged {
                var forged = parts
                forged[part] = Base64.encodeURL(changed)
                #expect(
                    TokenError.Code.of { try TokenSignature.payload(of: forged.joined(separator: "."), keys: keys) } == .signature
                )
            }
        }
        for changed in Array(vector.token.utf8).withOneBitChanged {
            #expect(throws: TokenError.self) {
                try TokenSignature.payload(of: String(decoding: changed, as: UTF8.self), keys: keys)
            }
        }
        for length in 0..<vector.token.utf8.count {
            #expect(throws: TokenError.self) { try TokenSignature.payload(of: String(vector.token.prefix(length)), keys: keys) }
        }
    }

    @Test func `the printed payloads come out`() throws {
        func payload(_ index: Int) throws -> String {
            let vector = RFCVectors.all[index]
            let bytes = try TokenSignature.payload(of: vector.token, keys: TestTokens.keys(vector.jwk))
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(try payload(0) == "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}")
        #expect(try payload(3) == "Example of Ed25519 signing")
        #expect(try payload(4) == "Payload")
        for index in 5...8 {
            #expect(try payload(index).hasPrefix("It’s a dangerous business, Frodo, going out your door."))
        }
    }

    @Test(arguments: ForeignTokens.all.keys.sorted())
    func `tokens of another implementation verify with their key and with no other`(name: String) throws {
        let token = try #require(ForeignTokens.all[name])
        let algorithm = try #require(TokenAlgorithm(rawValue: name))
        let right = try TestTokens.key(for: algorithm)
        #expect(right.algorithm == algorithm)
        let payload = try TokenSignature.payload(of: token, keys: [right])
        #expect(try JSONValue.parse(payload)["sub"] == .string("deployer"))
        for other in TokenAlgorithm.allCases where other != algorithm {
            let key = try TestTokens.key(for: other)
            #expect(TokenError.Code.of { try TokenSignature.payload(of: token, keys: [key]) } == .algorithm)
        }
    }

    @Test(arguments: [
        #"{"alg":"none"}"#, #"{"alg":"None"}"#, #"{"alg":"NONE"}"#, #"{"alg":""}"#, #"{"alg":"hs256"}"#, #"{"alg":"HS256 "}"#,
        #"{"alg":"HS1"}"#, #"{"alg":null}"#, #"{"alg":["HS256"]}"#, "{}", #"{"alg":"RSA-OAEP"}"#, #"{"alg":"HS384"}"#,
    ])
    func `an algorithm that is none, unknown or not the key's is refused whatever the signature`(header: String) throws {
        let keys = [try TestTokens.key()]
        let signed = try TestTokens.signed(header: header, payload: "{}")
        #expect(TokenError.Code.of { try TokenSignature.payload(of: signed, keys: keys) } == .algorithm)
        let unsigned = signed.split(separator: ".").dropLast().joined(separator: ".") + "."
        #expect(TokenError.Code.of { try TokenSignature.payload(of: unsigned, keys: keys) } == .algorithm)
    }

    @Test func `a token without a signature is refused`() throws {
        let unsigned = try TestTokens.signed(payload: "{}").split(separator: ".").dropLast().joined(separator: ".") + "."
        #expect(TokenError.Code.of { try TokenSignature.payload(of: unsigned, keys: [TestTokens.key()]) } == .signature)
    }

    @Test func `a public RSA key is no HMAC secret`() throws {
        let publicJWK = try TestTokens.jwk(TestKeys.rsaJWK)
        let keys = try TestTokens.keys(publicJWK)
        for secret in [TestKeys.rsaPublicPEM, TestKeys.rsaPublicPEM + "\n", publicJWK] {
            for (name, hash) in [("HS256", HMACKey.Hash.sha256), ("HS512", .sha512)] {
                let token = try TestTokens.signed(header: "{\"alg\":\"\(name)\"}", payload: "{}", secret: secret, hash: hash)
                #expect(TokenError.Code.of { try TokenSignature.payload(of: token, keys: keys) } == .algorithm)
            }
            // The header says what the key is; the signature is still an HMAC.
            let token = try TestTokens.signed(header: #"{"alg":"RS256"}"#, payload: "{}", secret: secret)
            #expect(TokenError.Code.of { try TokenSignature.payload(of: token, keys: keys) } == .signature)
        }
    }

    @Test(arguments: [
        #"{"alg":"HS256","crit":["exp"],"exp":1}"#, #"{"alg":"HS256","crit":[]}"#, #"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
        #"{"alg":"HS256","b64":true}"#, #"{"alg":"HS256","alg":"HS256"}"#, #"{"alg":"none","alg":"HS256"}"#, #"["HS256"]"#, "1",
        "",
        #"{"alg":"HS256"} "#.replacing(" ", with: "x"), #"{"alg":"HS256","typ":1}"#, #"{"alg":"HS256","typ":"logout+jwt"}"#,
        #"{"alg":"HS256","typ":"JWE"}"#, #"{"alg":"HS256","typ":""}"#,
    ])
    func `a header that asks for what is not understood is refused`(header: String) throws {
        let token = try TestTokens.signed(header: header, payload: "{}")
        #expect(TokenError.Code.of { try TokenSignature.payload(of: token, keys: [TestTokens.key()]) } == .malformed)
    }

    @Test(arguments: [
        #"{"typ":"JWT","alg":"HS256"}"#, #"{"typ":"jwt","alg":"HS256"}"#, #"{"typ":"at+jwt","alg":"HS256"}"#,
        #"{"typ":"application/at+JWT","alg":"HS256"}"#, #"{"alg":"HS256"}"#,
        #"{"alg":"HS256","cty":"x","jku":"https://evil.example"}"#,
        #"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"x5u":"https://evil.example","x5c":["AAAA"]}"#,
    ])
    func `types in use are accepted, and pointers to other keys are not followed`(header: String) throws {
        let token = try TestTokens.signed(header: header, payload: "{}")
        #expect(try TokenSignature.payload(of: token, keys: [TestTokens.key()]) == Array("{}".utf8))
        let forged = try TestTokens.signed(header: header, payload: "{}", secret: "\0\0\0")
        #expect(TokenError.Code.of { try TokenSignature.payload(of: forged, keys: [TestTokens.key()]) } == .signature)
    }

    @Test func `another type is accepted only where it is asked for`() throws {
        let token = try TestTokens.signed(header: #"{"alg":"HS256","typ":"job+jwt"}"#, payload: "{}")
        let keys = [try TestTokens.key()]
        #expect(TokenError.Code.of { try TokenSignature.payload(of: token, keys: keys) } == .malformed)
        #expect(try TokenSignature.payload(of: token, keys: keys, types: ["job+jwt"]) == Array("{}".utf8))
    }

    @Test func `the strict compact form is the only one`() throws {
        let token = try TestTokens.signed(payload: "{}")
        let keys = [try TestTokens.key()]
        _ = try TokenSignature.payload(of: token, keys: keys)
        let parts = token.split(separator: ".").map(String.init)
        for wrong in [
            "", ".", "..", "...", parts[0], parts[0] + "." + parts[1], token + ".", "." + token, token + ".x", token + "=",
            token + "\n",
            " " + token, parts[0] + "=." + parts[1] + "." + parts[2], parts.joined(separator: ".."), token + "é", token + "\u{0}",
            "{\"payload\":\"\(parts[1])\",\"protected\":\"\(parts[0])\",\"signature\":\"\(parts[2])\"}",
        ] {
            #expect(TokenError.Code.of { try TokenSignature.payload(of: wrong, keys: keys) } == .malformed, "\(wrong)")
        }
    }

    @Test func `a token is taken up to 8 KiB and refused beyond`() throws {
        func token(bytes: Int) throws -> String {
            // The header and the HMAC take 20 and 43 characters, the two dots one each.
            let payload = (bytes - 65) * 3 / 4
            return try TestTokens.signed(payload: "\"" + String(repeating: "a", count: payload - 2) + "\"")
        }
        let largest = try token(bytes: 8192)
        let larger = try token(bytes: 8193)
        #expect((largest.utf8.count, larger.utf8.count) == (8192, 8193))
        _ = try TokenSignature.payload(of: largest, keys: [TestTokens.key()])
        #expect(TokenError.Code.of { try TokenSignature.payload(of: larger, keys: [TestTokens.key()]) } == .tooLong)
    }

    @Test func `a key id chooses among keys with names, and a key without a name serves all`() throws {
        let token = try TestTokens.signed(header: #"{"alg":"HS256","kid":"b"}"#, payload: "{}")
        let bare = try TestTokens.signed(payload: "{}")
        let other = try TokenKey(secret: SecretBytes(String(repeating: "x", count: 32)), id: "a")
        func code(_ token: String, _ keys: TokenKey...) -> TokenError.Code? {
            TokenError.Code.of { try TokenSignature.payload(of: token, keys: keys) }
        }
        let (a, b, nameless) = (try TestTokens.key(id: "a"), try TestTokens.key(id: "b"), try TestTokens.key())
        #expect(code(token, a, b) == nil)
        #expect(code(token, nameless) == nil)
        #expect(code(token, a) == .key)
        #expect(code(bare, other, b) == nil)
        #expect(code(bare, other) == .signature)
        #expect(code(token) == .key)
        let number = try TestTokens.signed(header: #"{"alg":"HS256","kid":1}"#, payload: "{}")
        #expect(code(number, nameless) == .key)
    }

    @Test func `a token without a key id is tried with eight keys and not with nine; one that names its key is always found`()
        throws
    {
        let right = try TestTokens.key(id: "right")
        func others(_ count: Int) throws -> [TokenKey] {
            try (0..<count).map { try TokenKey(secret: SecretBytes(String(repeating: "\($0)", count: 32)), id: "other-\($0)") }
        }
        let bare = try TestTokens.signed(payload: "{}")
        let named = try TestTokens.signed(header: #"{"alg":"HS256","kid":"right"}"#, payload: "{}")
        let (eight, nine) = (try others(7) + [right], try others(8) + [right])
        #expect(TokenError.Code.of { try TokenSignature.payload(of: bare, keys: eight) } == nil)
        #expect(TokenError.Code.of { try TokenSignature.payload(of: bare, keys: nine) } == .key)
        #expect(TokenError.Code.of { try TokenSignature.payload(of: named, keys: nine) } == nil)
    }

    @Test func `an error shows neither the token nor the key`() throws {
        let token = try TestTokens.signed(payload: #"{"sub":"somebody"}"#, secret: "another")
        let error = #expect(throws: TokenError.self) { try TokenSignature.payload(of: token, keys: [TestTokens.key()]) }
        let text = error.map { "\($0) \($0.message)" } ?? ""
        for part in token.split(separator: ".").map(String.init) + ["somebody", "another", TestKeys.secret] {
            #expect(!text.contains(part))
        }
    }

    @Test func `an ECDSA signature of zeros, of the order or in DER is refused`() throws {
        let vector = RFCVectors.all[2]
        let keys = try TestTokens.keys(vector.jwk)
        let signed = vector.token.split(separator: ".").dropLast().joined(separator: ".")
        let order = try #require(Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551".utf8))
        let zero = [UInt8](repeating: 0, count: 32)
        let one = Array(zero.dropLast()) + [1]
        for signature in [
            zero + zero, zero + one, one + zero, order + order, order + one, one + order, [UInt8](repeating: 0xff, count: 64), [],
            zero,
            [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
        ] as [[UInt8]] {
            let token = "\(signed).\(Base64.encodeURL(signature))"
            #expect(TokenError.Code.of { try TokenSignature.payload(of: token, keys: keys) } == .signature)
        }
    }
}

extension TestTokens {
    /// The verification key of ``TestKeys`` for an algorithm.
    static func key(for algorithm: TokenAlgorithm) throws -> TokenKey {
        let named = ["alg": "\"\(algorithm.rawValue)\""]
        let json =
            switch algorithm {
            case .hs256, .hs384, .hs512: "{\"kty\":\"oct\",\"k\":\"\(Base64.encodeURL(Array(TestKeys.secret.utf8)))\"}"
            case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: TestKeys.rsaJWK
            case .es256: TestKeys.p256JWK
            case .es384: TestKeys.p384JWK
            case .es512: TestKeys.p521JWK
            case .edDSA: TestKeys.ed25519JWK
            }
        return try #require(keys(jwk(json, adding: named)).first)
    }
}
