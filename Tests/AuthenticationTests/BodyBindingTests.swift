import Authentication
import JSON
import Testing

struct BodyBindingTests {
    // SHA-256 of "abc", FIPS 180-2 appendix B.1.
    private static let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    private static let base64 = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"
    private static let body = Array("abc".utf8)

    private func code(_ claim: String, binds: Bool, body: [UInt8]? = body) throws -> TokenError.Code? {
        let verifier = TokenVerifier(keys: [try TestTokens.key()], requirements: .init(issuer: "joe", bindsBody: binds))
        let token = try TestTokens.signed(payload: "{\"iss\":\"joe\",\"exp\":1800000000\(claim)}")
        return TokenError.Code.of { try verifier.verify(token, now: 1_700_000_000, bodyDigest: body.map { SHA256.hash($0) }) }
    }

    private static func claim(_ value: String) -> String { ",\"request_body_sha256\":\(value)" }

    @Test func `the digest is what is issued, and both forms of it are accepted`() throws {
        #expect(BodyBinding.value(for: Self.body) == Self.hex)
        for text in [Self.hex, Self.hex.uppercased(), Self.base64] {
            #expect(try code(Self.claim("\"\(text)\""), binds: true) == nil)
        }
    }

    @Test func `every changed byte of the body, and every changed character of the digest, is refused`() throws {
        for body in Self.body.withOneBitChanged + [[], Array("abcd".utf8), Array("ab".utf8)] {
            #expect(try code(Self.claim("\"\(Self.hex)\""), binds: true, body: body) == .body)
        }
        for index in Self.hex.indices {
            let other = Self.hex[index] == "0" ? "1" : "0"
            let changed = Self.hex.replacingCharacters(at: index, with: other)
            #expect(try code(Self.claim("\"\(changed)\""), binds: true) == .body)
        }
    }

    @Test(arguments: [
        "1", "null", "[]", "true", "\"\"", "\"abc\"", "\"\(hex)0\"", "\"\(hex.dropLast())\"", "\"\(base64)=\"",
        "\"\(base64.dropLast())\"",
    ])
    func `a claim that is no digest is refused, asked for or not`(value: String) throws {
        #expect(try code(Self.claim(value), binds: true) == .body)
        #expect(try code(Self.claim(value), binds: false) == .body)
    }

    @Test func `a token must be bound where that is asked for, and one that is bound is held to it everywhere`() throws {
        #expect(try code("", binds: true) == .body)
        #expect(try code("", binds: false) == nil)
        #expect(try code(Self.claim("\"\(Self.hex)\""), binds: false) == nil)
        #expect(try code(Self.claim("\"\(Self.hex)\""), binds: false, body: [1]) == .body)
    }

    @Test func `without a body there is nothing to be bound to`() throws {
        #expect(try code(Self.claim("\"\(Self.hex)\""), binds: true, body: nil) == .body)
        #expect(try code(Self.claim("\"\(Self.hex)\""), binds: false, body: nil) == nil)
    }
}

extension String {
    fileprivate func replacingCharacters(at index: Index, with text: String) -> String {
        String(self[..<index]) + text + String(self[self.index(after: index)...])
    }
}
