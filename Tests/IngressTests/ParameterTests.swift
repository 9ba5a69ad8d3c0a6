import Authentication
import JSON
import TestSupport
import Testing

@testable import Ingress

@Suite struct ParameterTests {
    private func parameter(_ source: String, _ delivery: Delivery) -> String {
        do {
            return try JobIntent(delivery, for: Samples.hook("parameters: {a: \(source)}")).request.parameters["a"] ?? "?"
        } catch {
            let rejection = error as? Rejection
            return "\(rejection?.answer.status.code ?? 0) \(rejection?.detail ?? "\(error)")"
        }
    }

    @Test func `a default stands in for what is missing or null, and for nothing else`() {
        let headers = [("X-Two", "1"), ("X-Two", "2"), ("X-Empty", "")]
        let delivery = Samples.delivery(#"{"a": "b", "nil": null, "list": [1], "empty": ""}"#, headers, query: "q=1&two=1&two=2")
        for (source, expected) in [
            ("{payload: /a, default: d}", "b"), ("{payload: /none, default: d}", "d"), ("{payload: /nil, default: d}", "d"),
            ("{payload: /empty, default: d}", ""), ("{payload: /none, default: ''}", ""),
            ("{payload: /list, default: d}", "422 parameter a: payload has no single value at /list"),
            ("{payload: /nil}", "422 parameter a: payload has null at /nil"), ("{header: X-None, default: d}", "d"),
            ("{header: X-Empty, default: d}", ""),
            ("{header: X-Two, default: d}", "422 parameter a: header X-Two is there more than once"),
            ("{query: none, default: d}", "d"), ("{query: q, default: d}", "1"),
            ("{query: two, default: d}", "422 parameter a: query parameter two is there more than once"),
            ("{query: none}", "422 parameter a: query parameter none is missing"),
        ] {
            #expect(parameter(source, delivery) == expected, "\(source)")
        }
    }

    @Test func `a value that is too long is no missing one`() {
        let delivery = Samples.delivery("{}", [("X-A", String(repeating: "x", count: 4097))])
        #expect(parameter("{header: X-A, default: d}", delivery) == "422 parameter a: it has 4097 bytes, the limit is 4096")
    }

    @Test func `a claim of the verified token is a value`() throws {
        let folder = try TemporaryFolder()
        let key = try Ed25519PrivateKey.generate()
        let jwks = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        let claims: [(name: String, value: JSONValue)] = [
            ("iss", .string("ci")), ("exp", .integer(Samples.now / 1000 + 300)), ("sub", .string("deployer")),
            ("a/b~c", .string("x")),
            ("run", .object(JSONObject([("id", .integer(7))]))),
        ]
        let token = try TokenIssuer(pem: key.pem(), origin: "test", keyID: "ci").issue(JSONObject(claims))
        let delivery = Samples.delivery("{}", [("X-Sallyport-Token", token)])
        func value(_ source: String) throws -> String? {
            let hook = try Samples.hook("token: {issuer: ci, keys: {file: \(jwks)}}, parameters: {a: \(source)}")
            do throws(Rejection) {
                return try JobIntent(delivery, for: hook).request.parameters["a"]
            } catch {
                return error.detail
            }
        }
        #expect(try value("{claim: sub}") == "deployer")
        #expect(try value("{claim: a/b~c}") == "x")
        #expect(try value("{claim: /run/id}") == "7")
        #expect(try value("{claim: run}") == "parameter a: token has no single value at run")
        #expect(try value("{claim: none}") == "parameter a: token has nothing at none")
        #expect(try value("{claim: none, default: nobody}") == "nobody")
        #expect(throws: (any Error).self) { try Samples.hook("parameters: {a: {claim: sub}}") }
    }
}
