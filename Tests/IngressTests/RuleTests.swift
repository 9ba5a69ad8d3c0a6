import Authentication
import JSON
import NIOHTTP1
import TestSupport
import Testing

@testable import Ingress

@Suite struct RuleTests {
    private func passes(_ rule: String, _ delivery: Delivery = Samples.delivery()) throws -> Bool {
        let hook = try Samples.hook("when: \(rule)")
        return Rejection.of { try JobIntent(delivery, for: hook) } == nil
    }

    private static let body = #"""
        {"ref": "refs/heads/main", "forced": false, "commits": 12, "big": 9007199254740993, "ratio": 0.50, "five": "5", "empty": "",
         "nil": null, "labels": ["a", "b"], "repository": {"id": 1}, "é": "é"}
        """#

    @Test(
        arguments: [
            ("payload: /ref, equals: refs/heads/main", true), ("payload: /ref, equals: refs/heads/mai", false),
            ("payload: /ref, equals: refs/heads/main2", false), ("payload: /ref, equals: REFS/heads/main", false),
            ("payload: /forced, equals: 'false'", true), ("payload: /forced, equals: false", true),
            ("payload: /commits, equals: 12", true), ("payload: /ratio, equals: '0.5'", false),
            ("payload: /ratio, equals: '0.50'", true), ("payload: /empty, equals: ''", true),
            ("payload: /ref, equals: ''", false),
            ("payload: /labels/1, equals: b", true), ("payload: /é, equals: é", true),
            ("payload: /é, equals: \"e\\u0301\"", false),
        ])
    func `equals compares the text byte for byte`(condition: String, expected: Bool) throws {
        #expect(try passes("{\(condition)}", Samples.delivery(Self.body)) == expected)
    }

    @Test(
        arguments: [
            ("'refs/heads/.*'", true), ("'refs/heads/(main|next)'", true), ("heads", false), ("'refs/heads/mai'", false),
            ("'.*main.*'", true), ("'main|x'", false),
        ])
    func `a pattern is about the whole value`(pattern: String, expected: Bool) throws {
        #expect(try passes("{payload: /ref, pattern: \(pattern)}", Samples.delivery(Self.body)) == expected)
    }

    @Test func `a pattern is tried on 4096 bytes and no more, and its opposite neither`() throws {
        func delivery(_ count: Int) -> Delivery { Samples.delivery("{\"v\": \"\(String(repeating: "x", count: count))\"}") }
        #expect(try passes("{payload: /v, pattern: 'x*'}", delivery(4096)))
        #expect(try passes("{not: {payload: /v, pattern: 'y*'}}", delivery(4096)))
        #expect(try !passes("{payload: /v, pattern: 'x*'}", delivery(4097)))
        #expect(try !passes("{not: {payload: /v, pattern: 'y*'}}", delivery(4097)))
    }

    @Test func `one of several texts`() throws {
        let delivery = Samples.delivery("{}", [("X-GitHub-Event", "push")])
        #expect(try passes("{header: x-github-event, one-of: [ping, push]}", delivery))
        #expect(try !passes("{header: x-github-event, one-of: [ping]}", delivery))
        #expect(try passes("{not: {header: x-github-event, one-of: [ping]}}", delivery))
        #expect(try !passes("{header: x-github-event, one-of: [Push, 'push ']}", delivery))
    }

    @Test(
        arguments: [
            ("payload: /ref", true), ("payload: /empty", true), ("payload: /labels", true), ("payload: /repository", true),
            ("payload: ''", true), ("payload: /nil", false), ("payload: /none", false), ("payload: /ref/x", false),
            ("header: X-A", true), ("header: X-Two", true), ("header: X-None", false), ("query: q", true), ("query: two", true),
            ("query: none", false),
        ])
    func `something is there or is not, and null is not`(place: String, isThere: Bool) throws {
        let headers = [("X-A", ""), ("X-Two", "1"), ("x-two", "2")]
        let delivery = Samples.delivery(Self.body, headers, query: "q=&two=1&two=2")
        #expect(try passes("{\(place), exists: true}", delivery) == isThere)
        #expect(try passes("{\(place), exists: false}", delivery) == !isThere)
        #expect(try passes("{not: {\(place), exists: true}}", delivery) == !isThere)
    }

    @Test(
        arguments: [
            ("/commits", "at-least: 12", true), ("/commits", "at-least: 12.01", false), ("/commits", "at-most: 12", true),
            ("/commits", "at-most: 11", false), ("/commits", "above: 11", true), ("/commits", "above: 12", false),
            ("/commits", "below: 13", true), ("/commits", "below: 12", false), ("/commits", "above: 11, below: 13", true),
            ("/commits", "above: 11, at-most: 11.5", false), ("/five", "at-least: 5", true), ("/five", "at-least: 10", false),
            ("/ratio", "at-least: 0.5", true), ("/big", "above: 9007199254740992", true),
            ("/big", "at-least: 9007199254740994", false), ("/ref", "at-least: 0", false), ("/ref", "below: 0", false),
            ("/empty", "at-most: 0", false), ("/forced", "at-least: 0", false),
        ])
    func `numbers are compared as numbers, exactly`(pointer: String, comparison: String, expected: Bool) throws {
        #expect(try passes("{payload: \(pointer), \(comparison)}", Samples.delivery(Self.body)) == expected)
    }

    @Test func `what is no number is not below one either`() throws {
        #expect(try !passes("{not: {payload: /ref, at-least: 0}}", Samples.delivery(Self.body)))
    }

    @Test func `the method and the source address`() throws {
        var delivery = Samples.delivery()
        #expect(try passes("{method: POST}", delivery))
        #expect(try passes("{method: [POST]}", delivery))
        #expect(try !passes("{source-address: [0.0.0.0/0, '::/0']}", delivery))
        #expect(try !passes("{not: {source-address: 10.0.0.0/8}}", delivery))
        delivery.sourceAddress = IPAddress("140.82.112.7")
        #expect(try passes("{source-address: 140.82.112.0/20}", delivery))
        #expect(try passes("{source-address: [10.0.0.0/8, 140.82.112.7]}", delivery))
        #expect(try !passes("{source-address: [10.0.0.0/8, '2001:db8::/32']}", delivery))
        #expect(try passes("{not: {source-address: 10.0.0.0/8}}", delivery))
    }

    @Test func `claims of the token that was verified`() throws {
        let folder = try TemporaryFolder()
        let key = try Ed25519PrivateKey.generate()
        let jwks = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        let token = try TokenIssuer(pem: key.pem(), origin: "test", keyID: "ci").issue(
            JSONObject([
                ("iss", .string("ci")), ("aud", .string("sallyport")), ("exp", .integer(Samples.now / 1000 + 300)),
                ("sub", .string("deployer")), ("https://ci/role", .string("admin")),
                ("realm", .object(JSONObject([("roles", .array([.string("ops")]))]))),
            ]))
        let delivery = Samples.delivery("{}", [("X-Sallyport-Token", token)])
        for (rule, expected) in [
            ("{claim: sub, equals: deployer}", true), ("{claim: sub, equals: other}", false),
            ("{claim: https://ci/role, equals: admin}", true), ("{claim: /realm/roles/0, equals: ops}", true),
            ("{claim: none, equals: x}", false), ("{not: {claim: none, equals: x}}", false), ("{claim: exp, above: 1}", true),
        ] {
            let hook = try Samples.hook("token: {issuer: ci, audience: sallyport, keys: {file: \(jwks)}}, when: \(rule)")
            #expect((Rejection.of { try JobIntent(delivery, for: hook) } == nil) == expected, "\(rule)")
        }
    }

    @Test func `a delivery that meets no rule is answered as the hook says`() throws {
        let rule = "when: {header: X-GitHub-Event, equals: push}"
        for settings in [rule, "\(rule), otherwise: ignore"] {
            let hook = try Samples.hook(settings)
            let ignored = Rejection.of { try JobIntent(Samples.delivery(), for: hook) }
            #expect(ignored?.answer.status == .ok)
            #expect(ignored?.answer.text == #"{"status":"ignored"}"#)
            #expect(ignored?.answer.header("Content-Type") == "application/json")
            #expect(ignored?.outcome == "ignored")
        }
        let strict = try Samples.hook("\(rule), otherwise: refuse")
        let refused = Rejection.of { try JobIntent(Samples.delivery(), for: strict) }
        #expect(refused?.answer.status == .forbidden)
        #expect(refused?.answer.header("Content-Type") == "application/problem+json")
        #expect(refused?.outcome == "rule")
        let delivery = Samples.delivery("{}", [("X-GitHub-Event", "push")])
        #expect(Rejection.of { try JobIntent(delivery, for: strict) } == nil)
    }

    @Test func `the rule is looked at after the payload's form and before the parameters`() throws {
        let hook = try Samples.hook("when: {payload: /ref, equals: main}, parameters: {sha: {payload: /after}}")
        func outcome(_ body: String) -> String? { Rejection.of { try JobIntent(Samples.delivery(body), for: hook) }?.outcome }
        #expect(outcome("no JSON") == "unparsable")
        #expect(outcome("{}") == "ignored")
        #expect(outcome(#"{"ref": "main"}"#) == "parameter")
        #expect(outcome(#"{"ref": "main", "after": "1"}"#) == nil)
    }
}
