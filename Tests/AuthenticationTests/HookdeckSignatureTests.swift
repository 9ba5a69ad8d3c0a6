import Authentication
import Testing

/// What is particular to Hookdeck: two headers while a secret is rolled. The vectors are hookdeck-openclaw's and hermes-hookdeck's.
struct HookdeckSignatureTests {
    private static let hello = #"{"hello":"world"}"#
    private static let current = "B+pNeJLT3EuuIg2ZMK+jjEWKmXsvcWoKYVnhd5i+HSg="
    private static let previous = "PljPtCnQQANTnDNccZxPiqBg64Ej/yNDT71Yty9I9u4="

    private func outcome(_ secrets: [String], _ body: String, _ first: [String], _ second: [String] = []) throws -> Outcome {
        let scheme = try HMACScheme(.hookdeck, secrets: secrets.map { SecretBytes($0) })
        let headers = first.map { (name: "x-hookdeck-signature", value: $0) } + second.map { ("X-Hookdeck-Signature-2", $0) }
        return scheme.outcome(SampleHead(headers), body)
    }

    @Test(arguments: [
        ("whsec_test", hello, current), ("whsec_test", #"{"name":"café ✓"}"#, "vXSB5qspmNnjGZQRCanicbkBpZ1JQoWrMcVs8Gpgo98="),
        ("whsec_test", "", "Q8D00jyOiEE1j61GJLGlknmSIrKfJbtZuupDzctSLtE="), ("whsec_previous", hello, previous),
        ("whsec_test_secret", #"{"type":"charge.succeeded","id":"evt_1"}"#, "RTilfSisjfEz7c0AY84mq9Vcd+C659EfsuNqv+NNEQo="),
    ])
    func `a vendor's signature verifies in either header`(secret: String, body: String, signature: String) throws {
        #expect(try outcome([secret], body, [signature]) == .valid)
        #expect(try outcome([secret], body, [], [signature]) == .valid)
        #expect(try outcome([secret], body + " ", [], [signature]) == .atEnd(.mismatch))
    }

    @Test(arguments: [
        "07ea4d7892d3dc4bae220d9930afa38c458a997b2f716a0a6159e17798be1d28", "abcé", "B+pNeJLT3EuuIg2ZMK+jjEWKmXsvcWoKYVnhd5i+HSg",
        "B+pNeJLT3EuuIg2ZMK+jjEWKmXsvcWoKYVnhd5i+HSh=", "B-pNeJLT3EuuIg2ZMK-jjEWKmXsvcWoKYVnhd5i-HSg=",
        "B+pNeJLT3EuuIg2ZMK+jjA==", current + ", " + previous, current + current, "\u{0}", "sha256=" + current, "\n" + current,
    ])
    func `a signature that is not base64 of 32 bytes is malformed in either header`(signature: String) throws {
        #expect(try outcome(["whsec_test"], Self.hello, [signature]) == .atHead(.malformed))
        #expect(try outcome(["whsec_test"], Self.hello, [Self.current], [signature]) == .atHead(.malformed))
    }

    @Test func `a repeated header is malformed even when both values are right`() throws {
        #expect(try outcome(["whsec_test"], Self.hello, [Self.current, Self.current]) == .atHead(.malformed))
        #expect(
            try outcome(["whsec_test"], Self.hello, [Self.current], [Self.previous, Self.previous]) == .atHead(.malformed))
    }

    @Test func `both headers empty count as missing, one of them as absent`() throws {
        #expect(try outcome(["whsec_test"], Self.hello, [""], [" "]) == .atHead(.missing))
        #expect(try outcome(["whsec_test"], Self.hello, [""], [Self.current]) == .valid)
    }

    @Test(arguments: [["whsec_test"], ["whsec_previous"], ["whsec_other", "whsec_previous"], ["whsec_test", "whsec_previous"]])
    func `while a secret is rolled, whoever holds the old or the new one accepts`(secrets: [String]) throws {
        #expect(try outcome(secrets, Self.hello, [Self.current], [Self.previous]) == .valid)
    }

    @Test func `while a secret is rolled, whoever holds neither refuses`() throws {
        #expect(try outcome(["whsec_other", "whsec_another"], Self.hello, [Self.current], [Self.previous]) == .atEnd(.mismatch))
    }
}
