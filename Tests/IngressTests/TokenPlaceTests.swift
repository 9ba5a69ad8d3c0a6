import Authentication
import JSON
import TestSupport
import Testing

@testable import Ingress

/// Where a token may be, and that it is there once.
@Suite struct TokenPlaceTests {
    private let key: Ed25519PrivateKey
    private let folder: TemporaryFolder
    private let file: String
    private let token: String

    init() throws {
        key = try .generate()
        folder = try TemporaryFolder()
        file = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        token = try TokenIssuer(pem: key.pem(), origin: "test", keyID: "ci").issue(
            JSONObject([("iss", .string("ci")), ("exp", .integer(Samples.now / 1000 + 300))]))
    }

    private func hook(_ places: String, _ more: String = "") throws -> Hook {
        try Samples.hook("token: {\(places), issuer: ci, keys: {file: \(file)}}\(more)")
    }

    private func outcome(_ hook: Hook, _ body: String = "{}", _ headers: [(String, String)] = []) -> String? {
        Rejection.of { try JobIntent(Samples.delivery(body, headers), for: hook) }?.outcome
    }

    private var inBody: String { "{\"auth\":{\"token\":\"\(token)\"}}" }

    @Test func `a bearer token of the Authorization header is accepted, whatever the case of the scheme's name`() throws {
        let hook = try hook("authorization: bearer")
        for value in ["Bearer \(token)", "bearer \(token)", "BEARER  \(token)"] {
            #expect(outcome(hook, "{}", [("Authorization", value)]) == nil)
        }
        for value in [token, "Basic \(token)", "Bearer", "Bearer ", "Bearer\t\(token)", "DPoP \(token)"] {
            #expect(outcome(hook, "{}", [("Authorization", value)]) == "token-missing")
        }
        #expect(outcome(hook, "{}", [("Authorization", "Bearer \(token) x")]) == "token-malformed")
        #expect(outcome(hook, "{}", [("Authorization", "Bearer \(token), Bearer \(token)")]) == "token-malformed")
        #expect(outcome(hook, "{}", [("X-Sallyport-Token", token)]) == "token-missing")
    }

    @Test func `a token in the body is accepted where its pointer leads`() throws {
        let hook = try hook("payload: /auth/token")
        #expect(outcome(hook, inBody) == nil)
        #expect(outcome(hook, "{\"auth\":{}}") == "token-missing")
        #expect(outcome(hook, "{\"auth\":{\"token\":\"\"}}") == "token-missing")
        for value in ["1", "null", "[\"\(token)\"]", "{}"] {
            #expect(outcome(hook, "{\"auth\":{\"token\":\(value)}}") == "token-malformed")
        }
        #expect(outcome(hook, "{}", [("X-Sallyport-Token", token)]) == "token-missing")
        #expect(outcome(hook, "{") == "unparsable")
        #expect(outcome(hook, "{\"auth\":{\"token\":\"\(token)\",\"token\":\"\(token)\"}}") == "unparsable")
    }

    @Test func `a body that is no JSON holds no token`() throws {
        let alone = try hook("payload: /token")
        let either = try hook("payload: /token, header: X-Token")
        func refused(_ hook: Hook, _ headers: [(String, String)]) -> String? {
            Rejection.of {
                try JobIntent(
                    Delivery(
                        headers: .init([("Content-Type", "text/plain")] + headers), query: [],
                        body: .init(string: "{\"token\":\"x\"}"),
                        receivedAt: Samples.now), for: hook)
            }?.outcome
        }
        #expect(refused(alone, []) == "media-type")
        #expect(refused(either, []) == "token-missing")
        #expect(refused(either, [("X-Token", token)]) == nil)
    }

    @Test func `of several places the token is in exactly one`() throws {
        let hook = try hook("header: X-Token, authorization: bearer, payload: /auth/token")
        let (own, bearer) = (("X-Token", token), ("Authorization", "Bearer \(token)"))
        #expect(outcome(hook, "{}", [own]) == nil)
        #expect(outcome(hook, "{}", [bearer]) == nil)
        #expect(outcome(hook, inBody) == nil)
        #expect(outcome(hook, "{}", [own, ("Authorization", "Basic eA==")]) == nil)
        #expect(outcome(hook) == "token-missing")
        #expect(outcome(hook, "{}", [own, bearer]) == "token-repeated")
        #expect(outcome(hook, inBody, [own]) == "token-repeated")
        #expect(outcome(hook, inBody, [bearer]) == "token-repeated")
        #expect(outcome(hook, inBody, [("X-Token", "")]) == nil)
    }

    @Test func `a header twice is refused, the same token or not`() throws {
        for (places, name, value) in [
            ("header: X-Token", "X-Token", token), ("authorization: bearer", "Authorization", "Bearer \(token)"),
        ] {
            let hook = try hook(places)
            #expect(outcome(hook, "{}", [(name, value), (name, value)]) == "token-repeated")
            #expect(outcome(hook, "{}", [(name, value), (name.lowercased(), "")]) == "token-repeated")
        }
        let bearer = try hook("authorization: bearer")
        #expect(
            outcome(bearer, "{}", [("Authorization", "Bearer \(token)"), ("Authorization", "Basic eA==")]) == "token-repeated")
    }

    @Test func `the body is read for its token only, and parameters come from the same reading`() throws {
        let hook = try hook("payload: /auth/token", ", parameters: {a: {payload: /a}}")
        let body = "{\"a\":\"x\",\"auth\":{\"token\":\"\(token)\"}}"
        #expect(try JobIntent(Samples.delivery(body), for: hook).request.parameters == ["a": "x"])
    }
}
