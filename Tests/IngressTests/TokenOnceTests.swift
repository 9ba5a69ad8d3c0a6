import Authentication
import JSON
import TestSupport
import Testing

@testable import Ingress

/// A token that is for one delivery.
@Suite struct TokenOnceTests {
    private let key: Ed25519PrivateKey
    private let folder: TemporaryFolder
    private let hook: Hook
    private let other: Hook
    private let gate = TokenGate(usedCapacity: 3)

    init() throws {
        key = try .generate()
        folder = try TemporaryFolder()
        let file = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        let settings = "token: {once: true, issuer: ci, keys: {file: \(file)}}, parameters: {a: {payload: /a}}"
        hook = try Samples.hook(settings)
        other = try Samples.hook(settings, name: "other")
    }

    private func token(_ id: JSONValue? = .string("1"), life: Int64 = 300) throws -> String {
        var claims: [(name: String, value: JSONValue)] = [
            ("iss", .string("ci")), ("exp", .integer(Samples.now / 1000 + life)),
        ]
        if let id { claims.append(("jti", id)) }
        return try TokenIssuer(pem: key.pem(), origin: "test", keyID: "ci").issue(JSONObject(claims))
    }

    private func send(
        _ token: String, event: String? = "evt_1", body: String = #"{"a":"1"}"#, attempt: String = "1", to hook: Hook? = nil
    ) throws -> JobIntent {
        let headers = [("X-Sallyport-Token", token), ("X-Hookdeck-Attempt-Count", attempt)]
        let delivery = Samples.delivery(body, headers + (event.map { [("X-Hookdeck-EventID", $0)] } ?? []))
        return try JobIntent(delivery, for: hook ?? self.hook, tokens: gate)
    }

    private func refusal(_ send: @autoclosure () throws -> JobIntent) -> Rejection? { .of { try send() } }

    @Test func `the same event with the same body is a retry and goes on to the dedupe, as the same event`() throws {
        let token = try token()
        let first = try send(token).request
        let again = try send(token, attempt: "2").request
        #expect(first.dedupeKey == again.dedupeKey)
        #expect(again.attempt == 2)
        #expect(gate.keptCount == 1)
    }

    @Test func `another event, another body or another hook is refused`() throws {
        let token = try token()
        _ = try send(token)
        for refused in [
            refusal(try send(token, event: "evt_2")), refusal(try send(token, body: #"{"a":"2"}"#)),
            refusal(try send(token, to: other)), refusal(try send(token, event: nil)),
        ] {
            #expect(refused?.outcome == "token-used")
            #expect(refused?.answer.status == .unauthorized)
        }
        #expect(refusal(try send(token)) == nil)
    }

    @Test func `another token of the same id is the same token`() throws {
        _ = try send(token(life: 300))
        #expect(refusal(try send(token(life: 200), event: "evt_2"))?.outcome == "token-used")
        #expect(refusal(try send(token(.string("2")), event: "evt_2")) == nil)
    }

    @Test func `a delivery without an event id gets that of its token, and runs once`() throws {
        let token = try token()
        let first = try send(token, event: nil).request
        #expect(first.eventID.hasPrefix("jti:"))
        #expect(!first.dedupeKey.isEmpty)
        #expect(try send(token, event: nil).request.dedupeKey == first.dedupeKey)
        #expect(refusal(try send(token, event: nil, body: #"{"a":"2"}"#))?.outcome == "token-used")
    }

    @Test(arguments: [nil, .string("")] as [JSONValue?])
    func `a token without an id is refused`(id: JSONValue?) throws {
        #expect(refusal(try send(token(id)))?.outcome == "token-claim")
    }

    @Test func `a delivery that is ignored, or that cannot be read, uses no token`() throws {
        let token = try token()
        let file = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        let choosy = try Samples.hook(
            "token: {once: true, issuer: ci, keys: {file: \(file)}}, when: {payload: /a, equals: x}, parameters: {a: {payload: /a}}"
        )
        #expect(refusal(try send(token, event: "evt_2", to: choosy))?.isIgnored == true)
        #expect(refusal(try send(token, event: "evt_2", body: "{"))?.answer.status == .badRequest)
        #expect(refusal(try send(token, event: "evt 2"))?.outcome == "event-id")
        #expect(gate.keptCount == 0)
        #expect(refusal(try send(token)) == nil)
    }

    @Test func `a delivery whose parameters are refused has used its token, for itself`() throws {
        let token = try token()
        #expect(refusal(try send(token, event: "evt_2", body: "{}"))?.answer.status == .unprocessableEntity)
        #expect(gate.keptCount == 1)
        #expect(refusal(try send(token, event: "evt_2", body: "{}"))?.answer.status == .unprocessableEntity)
        #expect(refusal(try send(token))?.outcome == "token-used")
    }

    @Test func `at the bound a new token is put off, and no used one is forgotten`() throws {
        for id in 1...3 { _ = try send(token(.string("\(id)")), event: "evt_\(id)") }
        let refused = refusal(try send(token(.string("4")), event: "evt_4"))
        #expect(refused?.answer.status == .serviceUnavailable)
        #expect(refused?.answer.header("Retry-After") == "\(TokenGate.retryAfter)")
        #expect(refused?.outcome == "token-no-room")
        #expect(refusal(try send(token(.string("1")), event: "evt_9"))?.outcome == "token-used")
        #expect(refusal(try send(token(.string("1")), event: "evt_1")) == nil)
    }

    @Test func `a token is remembered for as long as any hook could accept it`() throws {
        // Expired for 30 seconds, within the clock skew of a minute.
        let late = try token(life: -30)
        _ = try send(late)
        #expect(refusal(try send(late, event: "evt_2"))?.outcome == "token-used")
    }

    @Test func `where it is not asked for, a token serves many deliveries`() throws {
        let file = try folder.write("jwks.json", key.publicKey.jwks(keyID: "ci"))
        let hook = try Samples.hook("token: {issuer: ci, keys: {file: \(file)}}")
        let token = try token()
        for event in ["evt_1", "evt_2"] { #expect(refusal(try send(token, event: event, to: hook)) == nil) }
        #expect(gate.keptCount == 0)
    }
}
