import Authentication
import JSON
import TestSupport
import Testing

@testable import Ingress

@Suite struct JobIntentTokenTests {
    private let folder: TemporaryFolder
    private let key: Ed25519PrivateKey
    private let hook: Hook
    private let forwarding: Hook

    init() throws {
        folder = try TemporaryFolder()
        key = try .generate()
        let file = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        hook = try Samples.hook("token: {issuer: ci, audience: sallyport, keys: {file: \(file)}}")
        forwarding = try Samples.hook("token: {issuer: ci, audience: sallyport, forward: true, keys: {file: \(file)}}")
    }

    private func token(_ key: Ed25519PrivateKey, life: Int64 = 300) throws -> String {
        try TokenIssuer(pem: key.pem(), origin: "test", keyID: "ci").issue(
            JSONObject([
                ("iss", .string("ci")), ("aud", .string("sallyport")), ("exp", .integer(Samples.now / 1000 + life)),
            ]))
    }

    private func rejection(_ headers: (String, String)...) -> Rejection? {
        .of { try JobIntent(Samples.delivery("{}", headers), for: hook) }
    }

    @Test func `a good token is accepted, as it is and as a bearer's`() throws {
        let good = try token(key)
        #expect(rejection(("X-Sallyport-Token", good)) == nil)
        #expect(rejection(("x-sallyport-token", "Bearer \(good)")) == nil)
    }

    @Test func `any other is unauthorized, and the answer names the scheme and not the token`() throws {
        let good = try token(key)
        for (headers, outcome) in [
            ([], "token-missing"), ([("X-Sallyport-Token", "")], "token-missing"), ([("Authorization", good)], "token-missing"),
            ([("X-Sallyport-Token", good), ("X-Sallyport-Token", good)], "token-repeated"),
            ([("X-Sallyport-Token", try token(key, life: -3600))], "token-expired"),
            ([("X-Sallyport-Token", try token(.generate()))], "token-signature"),
            ([("X-Sallyport-Token", "Bearer Bearer \(good)")], "token-malformed"),
            ([("X-Sallyport-Token", "bearer")], "token-malformed"),
        ] as [([(String, String)], String)] {
            let refused = Rejection.of { try JobIntent(Samples.delivery("{}", headers), for: hook) }
            #expect(refused?.outcome == outcome)
            #expect(refused?.answer.status == .unauthorized)
            #expect(refused?.answer.header("WWW-Authenticate")?.hasPrefix("Bearer ") == true)
            #expect(refused?.answer.text.contains(good.prefix(20)) == false)
        }
    }

    @Test func `the token goes on to the executor only where the hook says so, without the scheme's name`() throws {
        let good = try token(key)
        let delivery = Samples.delivery("{}", [("X-Sallyport-Token", "Bearer \(good)")])
        #expect(try JobIntent(delivery, for: forwarding).request.token == good)
        #expect(try JobIntent(delivery, for: hook).request.token == "")
    }

    @Test func `the content type is looked at before the token`() throws {
        let file = try folder.write("other.json", key.publicKey.jwks(keyID: "ci"))
        let hook = try Samples.hook("token: {issuer: ci, keys: {file: \(file)}}, payload: xml")
        #expect(Rejection.of { try JobIntent(Samples.delivery("<a/>"), for: hook) }?.outcome == "media-type")
    }

    @Test func `the token is looked at before the payload`() throws {
        let file = try folder.write("other.json", key.publicKey.jwks(keyID: "ci"))
        let hook = try Samples.hook("token: {issuer: ci, keys: {file: \(file)}}, parameters: {a: {payload: /a}}")
        #expect(Rejection.of { try JobIntent(Samples.delivery("no JSON"), for: hook) }?.answer.status == .unauthorized)
    }
}
