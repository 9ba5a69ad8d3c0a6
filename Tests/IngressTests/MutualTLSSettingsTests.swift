import Authentication
import NIOHTTP1
import Settings
import Testing

@testable import Ingress

/// `mtls` of a hook: which certificates are taken, and what is refused in the settings.
@Suite struct MutualTLSSettingsTests {
    private static let digits = String(repeating: "ab", count: 32)

    private func certificate(_ fingerprint: String = digits, _ names: Set<String> = ["ci.example", "spiffe://example/ci"])
        -> ClientCertificate
    {
        ClientCertificate(fingerprint: fingerprint, names: names)
    }

    /// Why a delivery over a connection with that certificate is refused at its head; nil when it is proved.
    private func refusal(_ hook: Hook, _ certificate: ClientCertificate?) throws -> WebhookRefusal? {
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/hooks/github")
        do {
            _ = try DeliveryReader(hook: hook, head: head, client: certificate, now: 0)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("fingerprints: [\(digits)]", true), ("fingerprints: [\(digits.uppercased())]", true),
        ("fingerprints: [\"\([String](repeating: "AB", count: 32).joined(separator: ":"))\"]", true),
        ("fingerprints: [\(digits.dropLast())c]", false), ("names: [ci.example]", true), ("names: [CI.Example]", true),
        ("names: [example]", false), ("names: [\"spiffe://example/ci\"]", true), ("names: [\"spiffe://Example/ci\"]", false),
        ("names: [other.example], fingerprints: [\(digits)]", true),
    ])
    func `a certificate is taken for its fingerprint or one of its names`(lists: String, isTaken: Bool) throws {
        let hook = try Samples.hook(verify: "{mtls: {\(lists)}}")
        #expect(try refusal(hook, certificate())?.reason == (isTaken ? nil : .mismatch))
        #expect(try refusal(hook, nil)?.reason == .missing)
        #expect(try refusal(hook, nil)?.challenges == ["Client-Certificate"])
    }

    @Test(arguments: ["{}", "{fingerprints: []}", "{fingerprints: [abc]}", "{names: [\"*.example\"]}", "{subjects: [x]}", "yes"])
    func `lists that name nobody, or nobody in particular, are refused`(text: String) {
        #expect(throws: SettingsProblems.self) { try Samples.hook(verify: "{mtls: \(text)}") }
    }

    @Test func `lists have a limit`() throws {
        func hook(_ count: Int) throws -> Hook {
            let names = (1...count).map { "n\($0).example" }.joined(separator: ", ")
            return try Samples.hook(verify: "{mtls: {names: [\(names)]}}")
        }
        #expect(throws: Never.self) { try hook(MutualTLS.maximum) }
        #expect(throws: SettingsProblems.self) { try hook(MutualTLS.maximum + 1) }
    }

    @Test func `it stands beside a signature, and signs nothing itself`() throws {
        let hook = try Samples.hook(verify: "{mtls: {names: [ci.example]}}")
        let scheme = try #require(hook.verification?.schemes.first)
        #expect(scheme.about.summary == "a client certificate named ci.example")
        #expect(throws: AuthenticationError.self) { try scheme.sign(WebhookMessage(body: [], id: "", time: 0)) }
    }
}
