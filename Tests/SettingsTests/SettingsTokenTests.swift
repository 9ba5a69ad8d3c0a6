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
        ("{ issuer: i, keys: { file: jwks.json }, skew: 301s }", "expected a time from 0ms to 5m"),
        ("{ issuer: i, keys: { file: jwks.json }, maximum-age: 366d }", "expected a time from 1s to 365d"),
        ("{ issuer: i, keys: { file: jwks.json }, maximum-age: 999ms }", "expected a time from 1s to 365d"),
        ("{ issuer: i, keys: { file: jwks.json }, binds-body: 1 }", "expected true or false"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: [x] } }", "around the list"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: {} } }", "expected one of {equals"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: { equals: x, one-of: [y] } } }", "expected one of {equals"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: { one-of: [] } } }", "at least one value"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: { one-of: x } } }", "expected a list"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: { one-of: [x, \"\"] } } }", "must not be empty"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: { pattern: \"[a\" } } }", "without its"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: { contains: { contains: x } } } }", "a list inside a list"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { /a~2: x } }", "no JSON Pointer"),
        ("{ issuer: i, keys: { file: jwks.json }, claims: { a: null } }", "found nothing"),
        ("{ issuer: i, issuers: [] }", "this stands in each of them"), ("{ issuers: [] }", "expected 1 to 16 issuers"),
        ("{ issuers: [{ issuer: i, keys: { file: jwks.json } }, { issuer: i, keys: { file: jwks.json } }] }", "is there twice"),
        ("{ issuers: [{ issuer: i }] }", "write either"), ("{ issuers: { issuer: i } }", "expected a list"),
        ("{ issuer: i, keys: { file: jwks.json }, subjekt: x }", "did you mean `subject`?"),
    ])
    func `a token that would not be checked as meant is a problem`(token: String, message: String) throws {
        let (_, problems) = try read(token)
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }

    @Test func `clocks may be allowed to differ by five minutes, and a token to be a year old`() throws {
        let (verifier, problems) = try read(
            "{ issuer: i, keys: { file: jwks.json }, skew: 5m, maximum-age: 365d, binds-body: true }")
        #expect(problems == [])
        let requirements = verifier?.issuers.first?.requirements
        #expect(requirements?.clockSkew == 300)
        #expect(requirements?.maximumAge == 31_536_000)
        #expect(requirements?.bindsBody == true)
        #expect(try read("{ issuer: i, keys: { file: jwks.json } }").0?.issuers.first?.requirements.clockSkew == 60)
    }

    @Test func `claims are read with their types`() throws {
        let (verifier, problems) = try read(
            """
            { issuer: i, keys: { file: jwks.json }, claims: { a: x, b: 3, c: "3", d: true, e: 'true', f: 1.5, g: { equals: 007 },
              h: { one-of: [x, 4, false] }, i: { pattern: "a+" }, j: { contains: x }, k: { contains: [x, y] },
              l: { contains: { one-of: [x, y] } }, "https://example.com/roles": admin, /m/n: { contains: { pattern: ".*" } } } }
            """)
        #expect(problems == [])
        let rules = verifier?.issuers.first?.requirements.claims.map { "\($0.name) \($0.rule)" }
        #expect(
            rules == [
                #"a = "x""#, "b = 3", #"c = "3""#, "d = true", #"e = "true""#, #"f = "1.5""#, #"g = "007""#,
                #"h one of ["x",4,false]"#, #"i matches "a+""#, #"j contains (= "x")"#, #"k contains (= "x"; = "y")"#,
                #"l contains (one of ["x","y"])"#, #"https://example.com/roles = "admin""#, #"/m/n contains (matches ".*")"#,
            ])
    }

    @Test func `claims, their values and issuers are taken up to their limits`() throws {
        func claims(_ count: Int) -> String {
            let list = (0..<count).map { "c\($0): x" }.joined(separator: ", ")
            return "{ issuer: i, keys: { file: jwks.json }, claims: { \(list) } }"
        }
        func values(_ count: Int) -> String {
            let list = (0..<count).map { "v\($0)" }.joined(separator: ", ")
            return "{ issuer: i, keys: { file: jwks.json }, claims: { a: { one-of: [\(list)] } } }"
        }
        func issuers(_ count: Int) -> String {
            "{ issuers: [" + (0..<count).map { "{ issuer: i\($0), keys: { file: jwks.json } }" }.joined(separator: ", ") + "] }"
        }
        func name(_ bytes: Int) -> String {
            "{ issuer: i, keys: { file: jwks.json }, claims: { \(String(repeating: "a", count: bytes)): x } }"
        }
        for (text, limit) in [(claims, 32), (values, 256), (issuers, 16), (name, 256)] as [((Int) -> String, Int)] {
            #expect(try read(text(limit)).1 == [])
            #expect(try read(text(limit + 1)).1.count == 1)
        }
    }
}
