import Settings
import Testing

@testable import Ingress

@Suite struct ClientRuleTests {
    private static let digits = String(repeating: "ab", count: 32)

    private func certificate(_ fingerprint: String = digits, _ names: Set<String> = ["ci.example", "spiffe://example/ci"])
        -> ClientCertificate
    {
        ClientCertificate(fingerprint: fingerprint, names: names)
    }

    @Test(arguments: [
        ("fingerprints: [\(digits)]", true), ("fingerprints: [\(digits.uppercased())]", true),
        ("fingerprints: [\(digits.dropLast())c]", false), ("names: [ci.example]", true), ("names: [CI.Example]", true),
        ("names: [example]", false), ("names: [\"spiffe://example/ci\"]", true), ("names: [\"spiffe://Example/ci\"]", false),
        ("names: [other.example], fingerprints: [\(digits)]", true),
    ])
    func `a certificate is taken for its fingerprint or one of its names`(rule: String, isTaken: Bool) throws {
        let hook = try Samples.hook("client: {\(rule)}")
        #expect(hook.client?.accepts(certificate()) == isTaken)
        #expect(hook.client?.accepts(nil) == false)
    }

    @Test func `openssl's form of a fingerprint is taken`() throws {
        let text = (0..<32).map { _ in "AB" }.joined(separator: ":")
        #expect(try Samples.hook("client: {fingerprints: [\"\(text)\"]}").client?.fingerprints == [Self.digits])
    }

    @Test(arguments: ["{}", "{fingerprints: []}", "{fingerprints: [abc]}", "{names: [\"*.example\"]}", "{subjects: [x]}", "yes"])
    func `a rule that names nobody, or nobody in particular, is refused`(text: String) {
        #expect(throws: SettingsProblems.self) { try Samples.hook("client: \(text)") }
    }

    @Test func `nothing is one of none`() { #expect(!ClientRule(fingerprints: [], names: []).accepts(certificate())) }
}
