import Authentication
import JSON
import ProtocolMessages
import Settings
import TestSupport
import Testing

@testable import Executor

/// Where a job demands the caller's token, an ingress that was taken over cannot invent a job.
@Suite struct PolicyTokenTests {
    private let folder: TemporaryFolder
    private let key: Ed25519PrivateKey
    private let policy: Policy

    init() throws {
        folder = try TemporaryFolder()
        key = try .generate()
        let file = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        policy = try Samples.policy(
            """
            deploy:
              command: [/bin/deploy]
              destinations: [web-1]
              timeout: 1s
              token: { issuer: ci, audience: sallyport, keys: { file: "\(file)" }, claims: { role: deployer } }
            """)
    }

    private func token(
        _ key: Ed25519PrivateKey, issuer: String = "ci", role: String = "deployer", life: Int64 = 300
    ) throws -> String {
        let issuing = try TokenIssuer(pem: key.pem(), origin: "test", keyID: "ci")
        return try issuing.issue(
            JSONObject([
                ("iss", .string(issuer)), ("aud", .string("sallyport")), ("role", .string(role)),
                ("exp", .integer(Samples.now / 1000 + life)),
            ]))
    }

    private func refusal(_ token: String) -> WireReason? {
        .ofRefusal { try policy.plan(Samples.request { $0.token = token }, from: "edge", now: Samples.now / 1000) }
    }

    @Test func `with a good token the job may run`() throws {
        #expect(refusal(try token(key)) == nil)
    }

    @Test func `without one, or with one that is wrong in any respect, it may not`() throws {
        let good = try token(key)
        #expect(refusal("") == .token)
        #expect(refusal("Bearer \(good)") == .token)
        #expect(refusal(String(good.dropLast(2))) == .token)
        #expect(refusal(try token(.generate())) == .token)
        #expect(refusal(try token(key, issuer: "somebody")) == .token)
        #expect(refusal(try token(key, role: "reader")) == .token)
        #expect(refusal(try token(key, life: -3600)) == .token)
    }

    @Test func `the refusal does not repeat the token`() throws {
        let token = try token(.generate())
        let error = #expect(throws: Refusal.self) {
            try policy.plan(Samples.request { $0.token = token }, from: "edge", now: Samples.now / 1000)
        }
        for part in token.split(separator: ".") { #expect(error?.message.contains(part) == false) }
    }

    @Test func `the token is looked at before anything else of the request`() {
        let request = Samples.request {
            $0.parameters = ["unknown": "x"]
            $0.destination = "nowhere"
        }
        #expect(WireReason.ofRefusal { try policy.plan(request, from: "edge", now: Samples.now / 1000) } == .token)
    }

    /// The refusal by a policy with these lines under `token`.
    private func refusal(_ settings: String, _ claims: [(name: String, value: JSONValue)], body: [UInt8] = []) throws
        -> WireReason?
    {
        let file = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        let policy = try Samples.policy(
            """
            deploy:
              command: [/bin/deploy]
              destinations: [web-1]
              timeout: 1s
              token: { \(settings.replacing("KEYS", with: "keys: { file: \"\(file)\" }")) }
            """)
        let times: [(name: String, value: JSONValue)] = [
            ("iat", .integer(Samples.now / 1000 - 100)), ("exp", .integer(Samples.now / 1000 + 300)),
        ]
        let token = try TokenIssuer(pem: key.pem(), origin: "test", keyID: "ci").issue(JSONObject(claims + times))
        return .ofRefusal {
            try policy.plan(
                Samples.request {
                    $0.token = token
                    $0.bodyDigest = .init(SHA256.hash(body))
                }, from: "edge", now: Samples.now / 1000)
        }
    }

    @Test func `the token must be bound to the body whose digest the request has`() throws {
        let settings = "issuer: ci, binds-body: true, KEYS"
        let bound: [(name: String, value: JSONValue)] = [
            ("iss", .string("ci")), ("request_body_sha256", .string(BodyBinding.value(for: [1, 2]))),
        ]
        #expect(try refusal(settings, bound, body: [1, 2]) == nil)
        #expect(try refusal(settings, bound, body: [1, 3]) == .token)
        #expect(try refusal(settings, [("iss", .string("ci"))], body: [1, 2]) == .token)
        #expect(try refusal("issuer: ci, KEYS", bound, body: [1, 3]) == .token)
    }

    @Test func `claims, ages and issuers are asked for as in a hook`() throws {
        func claims(_ issuer: String, _ ref: String) -> [(name: String, value: JSONValue)] {
            [("iss", .string(issuer)), ("ref", .string(ref))]
        }
        let pattern = #"issuer: ci, claims: { ref: { pattern: "refs/heads/.*" } }, KEYS"#
        #expect(try refusal(pattern, claims("ci", "refs/heads/main")) == nil)
        #expect(try refusal(pattern, claims("ci", "refs/tags/main")) == .token)
        #expect(try refusal("issuer: ci, skew: 0s, maximum-age: 101s, KEYS", claims("ci", "")) == nil)
        #expect(try refusal("issuer: ci, skew: 0s, maximum-age: 100s, KEYS", claims("ci", "")) == .token)
        let several = "issuers: [{ issuer: ci, KEYS }, { issuer: cd, KEYS }]"
        for (issuer, reason) in [("ci", nil), ("cd", nil), ("c", .token)] as [(String, WireReason?)] {
            #expect(try refusal(several, claims(issuer, "")) == reason)
        }
    }

    @Test func `a policy that asks for something else of a token has another digest`() throws {
        let file = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        let digests = try ["a: x", "a: { one-of: [x] }", "a: { pattern: x }", "a: { contains: x }"].map { claims in
            try Samples.policy(
                """
                deploy: { command: [/bin/deploy], destinations: [web-1], timeout: 1s,
                  token: { issuer: ci, keys: { file: "\(file)" }, claims: { \(claims) } } }
                """
            ).digest
        }
        #expect(Set(digests).count == 4)
    }

    @Test func `what only a hook can do is an unknown key here`() {
        for key in ["once: true", "header: X-Token", "payload: /token", "forward: true"] {
            #expect(throws: SettingsProblems.self) {
                try Samples.policy(
                    "deploy: { command: [/bin/deploy], destinations: [web-1], timeout: 1s, token: { issuer: ci, secret: { env: A }, \(key) } }"
                )
            }
        }
    }
}
