import Foundation
import HookdeckStandIn
import JSON
import TestSupport
import Testing

/// The stand-in is as what was read and recorded of Hookdeck.
@Suite struct HookdeckStandInTests {
    @Test(arguments: [
        (
            "5fthvdmj8gtkzdv93mwkdpbupgwgfu4fu8xf4rro2oufn6qlhc", #"{"key1":"value1", "key2":"value2"}"#,
            "kKb0yljhY9tBo7oihOMTvRayKCUpCNVujkoTMNoGdGM="
        ), ("whsec_test", #"{"hello":"world"}"#, "B+pNeJLT3EuuIg2ZMK+jjEWKmXsvcWoKYVnhd5i+HSg="),
        ("whsec_test", #"{"name":"café ✓"}"#, "vXSB5qspmNnjGZQRCanicbkBpZ1JQoWrMcVs8Gpgo98="),
        ("whsec_test", "", "Q8D00jyOiEE1j61GJLGlknmSIrKfJbtZuupDzctSLtE="),
    ])
    func `it signs as the published vectors say`(secret: String, body: String, signature: String) {
        #expect(HookdeckSignature.sign(Array(body.utf8), secret: secret) == signature)
    }

    private func rule(_ codes: String, strategy: String = "exponential") throws -> RetryRule {
        try RetryRule(
            JSONValue.parse(
                Array(
                    #"{"type":"retry","strategy":"\#(strategy)","interval":30000,"count":3\#(codes.isEmpty ? "" : ",\"response_status_codes\":\(codes)")}"#
                        .utf8)))
    }

    @Test(arguments: [
        ("", [400, 401, 500, 599], [200, 202, 299]), (#"["500-599","429"]"#, [429, 500, 599], [200, 404, 428]),
        (#"[">=300","!410","!413"]"#, [300, 404, 500], [200, 410, 413]), (#"[">400","!503","503"]"#, [401, 503], [400]),
        // Only negations cover successes too: seen at Hookdeck.
        (#"["!410","!413"]"#, [200, 500], [410, 413]),
    ])
    func `the last expression that matches decides`(codes: String, covered: [Int], left: [Int]) throws {
        let rule = try rule(codes)
        for status in covered { #expect(rule.covers(status), "\(status)") }
        for status in left { #expect(!rule.covers(status), "\(status)") }
        #expect(rule.covers(nil))
    }

    @Test func `a rule that Hookdeck would not take is none`() {
        for codes in [#"["5xx"]"#, #"["600"]"#, "[]", #"["=>5"]"#] {
            #expect(throws: TestBedError.self, "\(codes)") { try rule(codes) }
        }
        #expect(throws: TestBedError.self) { try rule("", strategy: "random") }
    }

    @Test func `back-off doubles, or stays`() throws {
        #expect(try (0..<4).map { try rule("").delay(after: $0) } == [30, 60, 120, 240])
        #expect(try (0..<3).map { try rule("", strategy: "linear").delay(after: $0) } == [30, 30, 30])
    }

    @Test func `the filter in deploy lets pushes to main through and nothing else`() throws {
        let filter = try DeployedFiles.json("filter.json")
        let standIn = HookdeckStandIn(
            HookdeckConnection(port: 1, path: "/", filter: try FilterRule(filter)), secret: "s")
        func passes(_ event: String, _ body: String) throws -> Bool {
            try standIn.receive(Array(body.utf8), headers: [("X-GitHub-Event", event)]) != nil
        }
        #expect(try passes("push", #"{"ref":"refs/heads/main"}"#))
        #expect(try !passes("push", #"{"ref":"refs/heads/other"}"#))
        #expect(try !passes("ping", #"{"ref":"refs/heads/main"}"#))
        #expect(try !passes("push", "{}"))
    }

    private func transformation(_ environment: [(name: String, value: String)] = [("SALLYPORT_TOKEN", "t1")]) throws
        -> Transformation
    {
        Transformation(
            code: try String(contentsOf: DeployedFiles.folder.appending(path: "token.js"), encoding: .utf8),
            environment: environment)
    }

    @Test func `the transformation in deploy adds the token once, whatever the sender wrote`() throws {
        let body = Array(#"{"a":"ü","n":1}"#.utf8)
        for sent in ["x-sallyport-token", "X-Sallyport-Token", "X-SALLYPORT-TOKEN"] {
            let (headers, after) = try transformation().apply(
                headers: [("Content-Type", "application/json"), (sent, "forged")], body: body)
            #expect(headers.filter { $0.name.lowercased() == "x-sallyport-token" }.map(\.value) == ["t1"])
            #expect(headers.contains { $0 == ("Content-Type", "application/json") })
            #expect(after == body)
        }
    }

    @Test func `without its variable the transformation is an error, not a delivery without a token`() throws {
        #expect(throws: TestBedError.self) { try transformation([]).apply(headers: [], body: []) }
        #expect(throws: TestBedError.self) { try transformation([("SALLYPORT_TOKEN", "")]).apply(headers: [], body: []) }
    }

    @Test(arguments: ["require('fs')", "fetch('http://x')", "crypto.subtle", "setTimeout(() => 1, 1)", "while (true) {}"])
    func `code that Hookdeck's runtime cannot run does not run here`(code: String) throws {
        let bad = Transformation(code: "addHandler('transform', (request) => { \(code); return request })", environment: [])
        #expect(throws: TestBedError.self) { try bad.apply(headers: [], body: []) }
    }
}
