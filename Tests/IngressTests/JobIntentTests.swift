import Authentication
import NIOCore
import ProtocolMessages
import Testing

@testable import Ingress

@Suite struct JobIntentTests {
    private func request(_ settings: String = "", _ delivery: Delivery = Samples.delivery()) throws -> WireJobRequest {
        try JobIntent(delivery, for: Samples.hook(settings)).request
    }

    private func rejection(_ settings: String, _ delivery: Delivery = Samples.delivery()) -> Rejection? {
        .of { try request(settings, delivery) }
    }

    private func event(_ id: String, _ headers: [(String, String)] = [], settings: String = "", body: String = "{}") throws
        -> WireJobRequest
    {
        try request(settings, Samples.delivery(body, [("X-Hookdeck-EventID", id)] + headers))
    }

    @Test func `a delivery becomes an intent, with what the hook takes from it and nothing else`() throws {
        let hook = try Samples.hook(
            "parameters: {sha: {payload: /after}, env: {query: env}}, destination: {header: X-Host}, identity: {query: env}, wait: 2s"
        )
        let body = #"{"after": "4f2c", "secret": "s"}"#
        let delivery = Samples.delivery(body, [("X-Host", "web-1"), ("X-Other", "o")], query: "env=prod&x=y")
        let intent = try JobIntent(delivery, for: hook)
        let request = intent.request
        #expect(request.hook == "github")
        #expect(request.job == "deploy")
        #expect(request.parameters == ["sha": "4f2c", "env": "prod"])
        #expect(request.destination == "web-1")
        #expect(request.identity == "prod")
        #expect(request.token == "")
        #expect([UInt8](request.bodyDigest) == SHA256.hash(body.utf8))
        #expect(request.bodyLength == UInt64(body.utf8.count))
        #expect(!request.bodyFollows)
        #expect(intent.body == nil)
        #expect(request.issuedAtMs == Samples.now)
        #expect(request.waitUntilMs == Samples.now + 2000)
        #expect(request.expiresAtMs == Samples.now + 62_000)
    }

    @Test func `a body goes along where the hook says so, and need not be JSON`() throws {
        let hook = try Samples.hook("body: true")
        let delivery = Delivery(headers: [:], query: [], body: ByteBuffer(bytes: [0, 0xff]), receivedAt: Samples.now)
        let intent = try JobIntent(delivery, for: hook)
        #expect(intent.body == ByteBuffer(bytes: [0, 0xff]))
        #expect(intent.request.bodyFollows)
        #expect(intent.request.bodyLength == 2)
    }

    @Test func `each delivery gets a job id of its own, a UUID of version 7`() throws {
        let (first, second) = (try request(), try request())
        #expect(first.jobID != second.jobID)
        #expect(first.jobID.utf8.count == 36)
        #expect(Array(first.jobID.utf8)[14] == UInt8(ascii: "7"))
        #expect(first.jobID == first.jobID.lowercased())
    }

    @Test(
        arguments: [
            ("application/json", nil), ("Application/JSON; charset=utf-8", nil), ("application/vnd.github+json", nil),
            ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/jsonx", 415), ("", 415),
        ] as [(String, Int?)])
    func `a hook that reads the payload takes JSON only`(type: String, status: Int?) {
        let delivery = Delivery(
            headers: type.isEmpty ? [:] : ["Content-Type": type], query: [], body: ByteBuffer(string: #"{"a": "b"}"#),
            receivedAt: Samples.now)
        #expect(rejection("parameters: {a: {payload: /a}}", delivery).map { Int($0.answer.status.code) } == status)
        #expect(rejection("parameters: {a: {literal: x}}", delivery) == nil)
    }

    @Test(arguments: ["", "{", "{\"a\": 1} x", "{\"a\": 1, \"a\": 2}", "\u{feff}{}"])
    func `a body that is no JSON is a bad request`(body: String) {
        let refused = rejection("parameters: {a: {payload: /a}}", Samples.delivery(body))
        #expect(refused?.answer.status == .badRequest)
        #expect(refused?.outcome == "unparsable")
    }

    @Test func `a parameter that is missing or too long is named, its value is not repeated`() throws {
        let settings = "parameters: {sha: {payload: /after}}"
        let missing = rejection(settings, Samples.delivery("{}"))
        #expect(missing?.answer.status == .unprocessableEntity)
        #expect(missing?.detail == "parameter sha: payload has nothing at /after")
        func delivery(_ count: Int) -> Delivery { Samples.delivery("{\"after\": \"\(String(repeating: "x", count: count))\"}") }
        #expect(rejection(settings, delivery(4096)) == nil)
        let long = rejection(settings, delivery(4097))
        #expect(long?.answer.status == .unprocessableEntity)
        #expect(long?.detail == "parameter sha: it has 4097 bytes, the limit is 4096")
        #expect(long?.answer.text.contains("xxx") == false)
    }

    @Test func `all parameters together are limited, names counted in`() {
        // Nine values of 3,638 bytes under names of two: 32,760 bytes. The tenth makes it full.
        let names = (0..<9).map { "p\($0): {payload: /v}" }.joined(separator: ", ")
        let delivery = Samples.delivery("{\"v\": \"\(String(repeating: "x", count: 3638))\"}")
        #expect(rejection("parameters: {\(names), last: {literal: 1234}}", delivery) == nil)
        let refused = rejection("parameters: {\(names), last: {literal: 12345}}", delivery)
        #expect(refused?.answer.status == .unprocessableEntity)
        #expect(refused?.detail == "all parameters together have 32769 bytes, the limit is 32768")
    }

    @Test func `a destination is limited as a name is`() {
        func delivery(_ count: Int) -> Delivery { Samples.delivery("{}", [("X-Host", String(repeating: "h", count: count))]) }
        #expect(rejection("destination: {header: X-Host}", delivery(64)) == nil)
        #expect(rejection("destination: {header: X-Host}", delivery(65))?.answer.status == .unprocessableEntity)
        #expect(rejection("destination: {header: X-Host}")?.detail == "destination: header X-Host is missing")
    }

    @Test func `an event has an id, an attempt and a dedupe key; a delivery without one has none of them`() throws {
        let named = try event("evt_1", [("X-Hookdeck-Attempt-Count", "3")])
        #expect(named.eventID == "evt_1")
        #expect(named.attempt == 3)
        #expect(named.dedupeKey.utf8.count == 64)
        for nameless in [try request(), try event("")] {
            #expect(nameless.eventID == "")
            #expect(nameless.attempt == 0)
            #expect(nameless.dedupeKey == "")
        }
    }

    @Test func `an event id is limited, visible ASCII, and refused otherwise`() throws {
        #expect(try event(String(repeating: "e", count: 255)).eventID.utf8.count == 255)
        for id in [String(repeating: "e", count: 256), "a b", "a\tb", "é", "a\u{7f}"] {
            let refused = Rejection.of { try event(id) }
            #expect(refused?.answer.status == .badRequest, "\(id)")
            #expect(refused?.outcome == "event-id", "\(id)")
        }
    }

    @Test(arguments: [
        ("1", 1), ("50", 50), ("10000", 10_000), ("10001", 0), ("4294967295", 0), ("4294967296", 0), ("-1", 0), ("1.5", 0),
        ("", 0), ("many", 0), ("+4", 0),
    ])
    func `an attempt that cannot be one counts as none`(text: String, attempt: UInt32) throws {
        #expect(try event("e", [("X-Hookdeck-Attempt-Count", text)]).attempt == attempt)
    }

    @Test(arguments: [
        ("MANUAL", true), ("BULK_RETRY", true), ("AUTOMATIC", false), ("INITIAL", false), ("manual", false), ("", false),
    ])
    func `a manual retry counts only where the hook honours it`(trigger: String, isManual: Bool) throws {
        let header = [("X-Hookdeck-Attempt-Trigger", trigger)]
        #expect(try event("e", header, settings: "manual-retry: true").manualRetry == isManual)
        #expect(try !event("e", header).manualRetry)
    }

    @Test func `the dedupe key is that of hook, event and body, and of nothing else`() throws {
        func key(_ id: String, hook: String = "github", body: String = "{}", attempt: String = "1") throws -> String {
            let delivery = Samples.delivery(body, [("X-Hookdeck-EventID", id), ("X-Hookdeck-Attempt-Count", attempt)])
            return try JobIntent(delivery, for: Samples.hook(name: hook)).request.dedupeKey
        }
        #expect(try key("e1") == key("e1", attempt: "2"))
        let different = try [
            key("e1"), key("e2"), key("e1", hook: "gitlab"), key("e1", body: "{ }"), key("be1", hook: "githu"),
            key("1", hook: "github6-1.e"), key("E1"),
        ]
        #expect(Set(different).count == different.count)
    }

    @Test func `a correlation id of the sender is kept when it can be one`() throws {
        func correlation(_ headers: (String, String)...) throws -> WireJobRequest {
            try request("", Samples.delivery("{}", headers))
        }
        #expect(try correlation(("X-Request-ID", "r1")).correlationID == "r1")
        #expect(try correlation(("X-Request-ID", "r1"), ("X-Correlation-ID", "c1")).correlationID == "c1")
        #expect(try correlation(("X-Request-ID", String(repeating: "r", count: 128))).correlationID.utf8.count == 128)
        for bad in [String(repeating: "r", count: 129), "", "a b", "é", "a\u{1b}[2J"] {
            let request = try correlation(("X-Request-ID", bad))
            #expect(request.correlationID == request.jobID, "\(bad)")
        }
    }

    @Test func `a trace goes on under a span of this delivery's own`() throws {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let child = try request("", Samples.delivery("{}", [("traceparent", parent)]))
        #expect(child.traceparent.hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-"))
        #expect(child.traceparent.hasSuffix("-01"))
        #expect(child.traceparent != parent)
        #expect(child.parentSpan == "00f067aa0ba902b7")
        #expect(try request().traceparent.utf8.count == 55)
        #expect(try request().parentSpan == "")
        let unsampled = try request("", Samples.delivery("{}", [("traceparent", parent.dropLast(2) + "00")]))
        #expect(unsampled.traceparent.hasSuffix("-00"))
    }
}
