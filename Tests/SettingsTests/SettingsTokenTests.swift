import Authentication
import Settings
import TestSupport
import Testing

@Suite struct SettingsTokenTests {
    // RFC 7515 appendix A.1.1, RFC 8037 appendix A.2.
    private static let shared =
        "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\","
        + "\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"
    private static let pair =
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"b\",\"alg\":\"EdDSA\","
        + "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"

    /// The verifier of `token`, whose keys are in a file with this text and mode; or the problems.
    private func read(_ token: String, keys: String = pair, mode: UInt32 = 0o644) throws -> (TokenVerifier?, [String]) {
        let folder = try TemporaryFolder()
        _ = try folder.write("jwks.json", Array("{\"keys\":[\(keys)]}".utf8), mode: mode)
        let file = try SettingsFile(text: "token: \(token)", file: folder.path + "/s.yaml")
        let node = file.root.mapping("token").required("token")
        let verifier = node.tokenVerifier(node.mapping(SettingsNode.tokenKeys))
        do throws(SettingsProblems) {
            try file.finish()
            return (verifier, [])
        } catch {
            return (verifier, error.problems.map(\.message))
        }
    }

    @Test func `a token asks for its issuer and keys`() throws {
        let (verifier, problems) = try read(
            "{ issuer: https://ci.example, audience: sallyport, keys: { file: jwks.json }, maximum-age: 5m }")
        #expect(problems == [])
        #expect(verifier != nil)
    }

    @Test func `a file of public keys may be read by all, one with a shared secret only by its owner`() throws {
        let token = "{ issuer: https://ci.example, keys: { file: jwks.json } }"
        #expect(try read(token, keys: Self.pair, mode: 0o644).0 != nil)
        #expect(try read(token, keys: Self.shared, mode: 0o600).0 != nil)
        let (verifier, problems) = try read(token, keys: Self.shared + "," + Self.pair, mode: 0o644)
        #expect(verifier == nil)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("chmod 600") == true, "\(problems)")
    }

    @Test(arguments: [
        ("{ issuer: i }", "write either"), ("{ issuer: i, keys: { file: jwks.json }, secret: { env: A } }", "write either"),
        ("{ keys: { file: jwks.json } }", "`issuer` is missing"),
        ("{ issuer: i, keys: { file: absent.json } }", "cannot be opened"),
        ("{ issuer: i, keys: { file: jwks.json }, algorithm: HS256 }", "leave this out"),
        ("{ issuer: i, keys: { file: jwks.json }, clock-skew: 11m }", "expected a time from 0ms to 10m"),
        ("{ issuer: i, keys: { file: jwks.json }, subjekt: x }", "did you mean `subject`?"),
    ])
    func `a token that would not be checked as meant is a problem`(token: String, message: String) throws {
        let (_, problems) = try read(token)
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }
}
