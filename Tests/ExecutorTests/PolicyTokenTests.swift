import Authentication
import JSON
import ProtocolMessages
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
}
