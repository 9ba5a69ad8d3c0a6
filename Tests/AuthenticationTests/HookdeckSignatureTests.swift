import Authentication
import Testing

/// The vendor's own vectors: hookdeck-typescript-sdk, hookdeck-openclaw and hermes-hookdeck.
struct HookdeckSignatureTests {
    private static let hello = #"{"hello":"world"}"#
    private static let current = "B+pNeJLT3EuuIg2ZMK+jjEWKmXsvcWoKYVnhd5i+HSg="
    private static let previous = "PljPtCnQQANTnDNccZxPiqBg64Ej/yNDT71Yty9I9u4="

    private func verdict(
        _ secrets: [String], _ body: [UInt8], _ first: [String], _ second: [String] = []
    ) throws -> HookdeckVerification.Verdict {
        let verification = try HookdeckSignature(secrets: secrets.map { SecretBytes($0) }).begin()
        verification.update(body)
        return verification.finish(signatures: first, secondary: second)
    }

    @Test(arguments: [
        (
            "5fthvdmj8gtkzdv93mwkdpbupgwgfu4fu8xf4rro2oufn6qlhc", #"{"key1":"value1", "key2":"value2"}"#,
            "kKb0yljhY9tBo7oihOMTvRayKCUpCNVujkoTMNoGdGM="
        ),
        ("whsec_test", hello, current),
        ("whsec_test", #"{"name":"café ✓"}"#, "vXSB5qspmNnjGZQRCanicbkBpZ1JQoWrMcVs8Gpgo98="),
        ("whsec_test", "", "Q8D00jyOiEE1j61GJLGlknmSIrKfJbtZuupDzctSLtE="),
        ("whsec_previous", hello, previous),
        ("whsec_test_secret", #"{"type":"charge.succeeded","id":"evt_1"}"#, "RTilfSisjfEz7c0AY84mq9Vcd+C659EfsuNqv+NNEQo="),
    ])
    func `a vendor's signature verifies in either header, and with any byte changed it does not`(
        secret: String, body: String, signature: String
    ) throws {
        let body = Array(body.utf8)
        #expect(try verdict([secret], body, [signature]) == .valid)
        #expect(try verdict([secret], body, [], [signature]) == .valid)
        #expect(try HookdeckSignature(secrets: [SecretBytes(secret)]).sign(body) == signature)
        for changed in body.withOneBitChanged { #expect(try verdict([secret], changed, [signature]) == .mismatch) }
        let code = try #require(Base64.decode(signature.utf8))
        for changed in code.withOneBitChanged {
            #expect(try verdict([secret], body, [Base64.encode(changed)]) == .mismatch)
        }
        for changed in Array(signature.utf8).withOneBitChanged {
            #expect(try verdict([secret], body, [String(decoding: changed, as: UTF8.self)]) != .valid)
        }
    }

    @Test(arguments: [
        ("whsec_test", #"{"hello":"worlD"}"#, current), ("whsec_test", #"{"hello": "world"}"#, current),
        ("whsec_test", hello + "\n", current), ("whsec_Test", hello, current), ("whsec_test", "", current),
    ])
    func `another body or secret is a mismatch`(secret: String, body: String, signature: String) throws {
        #expect(try verdict([secret], Array(body.utf8), [signature]) == .mismatch)
    }

    @Test(arguments: [
        "07ea4d7892d3dc4bae220d9930afa38c458a997b2f716a0a6159e17798be1d28", "abcé", "B+pNeJLT3EuuIg2ZMK+jjEWKmXsvcWoKYVnhd5i+HSg",
        "B+pNeJLT3EuuIg2ZMK+jjEWKmXsvcWoKYVnhd5i+HSh=", "B-pNeJLT3EuuIg2ZMK-jjEWKmXsvcWoKYVnhd5i-HSg=",
        "B+pNeJLT3EuuIg2ZMK+jjA==",
        current + ", " + previous, current + current, "\u{0}", "sha256=" + current, String(repeating: "A", count: 100_000),
    ])
    func `a signature that is not base64 of 32 bytes is malformed`(signature: String) throws {
        #expect(try verdict(["whsec_test"], Array(Self.hello.utf8), [signature]) == .malformed)
        #expect(try verdict(["whsec_test"], Array(Self.hello.utf8), [Self.current], [signature]) == .malformed)
    }

    @Test func `a repeated header is malformed even when both values are right`() throws {
        let body = Array(Self.hello.utf8)
        #expect(try verdict(["whsec_test"], body, [Self.current, Self.current]) == .malformed)
        #expect(try verdict(["whsec_test"], body, [Self.current], [Self.previous, Self.previous]) == .malformed)
    }

    @Test func `no signature is missing, and so is an empty one`() throws {
        let body = Array(Self.hello.utf8)
        #expect(try verdict(["whsec_test"], body, []) == .missing)
        #expect(try verdict(["whsec_test"], body, [""], [" "]) == .missing)
    }

    @Test func `white space around the value is no part of it`() throws {
        #expect(try verdict(["whsec_test"], Array(Self.hello.utf8), [" \t\(Self.current)\t "]) == .valid)
        #expect(try verdict(["whsec_test"], Array(Self.hello.utf8), ["\n\(Self.current)"]) == .malformed)
    }

    @Test(arguments: [["whsec_test"], ["whsec_previous"], ["whsec_other", "whsec_previous"], ["whsec_test", "whsec_previous"]])
    func `while a secret is rolled, whoever holds the old or the new one accepts`(secrets: [String]) throws {
        #expect(try verdict(secrets, Array(Self.hello.utf8), [Self.current], [Self.previous]) == .valid)
    }

    @Test func `while a secret is rolled, whoever holds neither refuses`() throws {
        let secrets = ["whsec_other", "whsec_another"]
        #expect(try verdict(secrets, Array(Self.hello.utf8), [Self.current], [Self.previous]) == .mismatch)
    }

    @Test func `without a secret, or with an empty one, there is no verifier`() {
        #expect(throws: AuthenticationError.self) { try HookdeckSignature(secrets: []) }
        #expect(throws: AuthenticationError.self) { try HookdeckSignature(secrets: [SecretBytes("")]) }
        #expect(throws: AuthenticationError.self) {
            try HookdeckSignature(secrets: [SecretBytes("whsec_test"), SecretBytes("")])
        }
    }

    @Test func `a body may come in any pieces`() throws {
        let body = Array(Self.hello.utf8)
        for cut in 0...body.count {
            let verification = try HookdeckSignature(secrets: [SecretBytes("whsec_test")]).begin()
            verification.update(body[..<cut])
            verification.update([])
            verification.update(body[cut...])
            #expect(verification.finish(signatures: [Self.current], secondary: []) == .valid)
        }
    }
}
