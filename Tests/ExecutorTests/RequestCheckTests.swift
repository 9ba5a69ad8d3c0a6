import JobProtocol
import ProtocolMessages
import Testing

@testable import Executor

@Suite struct RequestCheckTests {
    private func refusal(_ change: (inout WireJobRequest) -> Void = { _ in }) -> WireReason? {
        let request = Samples.request(change)
        return .ofRefusal { try RequestCheck.validate(request) }
    }

    @Test func `a request that keeps the limits passes`() {
        #expect(refusal() == nil)
    }

    @Test(
        arguments: [
            ("hook", \.hook, 64), ("job", \.job, 64), ("destination", \.destination, 64), ("identity", \.identity, 64),
            ("event id", \.eventID, 255), ("correlation id", \.correlationID, 128), ("dedupe key", \.dedupeKey, 64),
            ("traceparent", \.traceparent, 128), ("parent span", \.parentSpan, 64), ("token", \.token, 8192),
        ] as [(String, WritableKeyPath<WireJobRequest, String> & Sendable, Int)])
    func `a text is limited in bytes, and named when it is too long`(
        name: String, field: WritableKeyPath<WireJobRequest, String> & Sendable, limit: Int
    ) {
        #expect(refusal { $0[keyPath: field] = String(repeating: "x", count: limit) } == nil)
        #expect(refusal { $0[keyPath: field] = String(repeating: "x", count: limit + 1) } == .policy)
        // Characters of two bytes.
        #expect(refusal { $0[keyPath: field] = String(repeating: "é", count: limit / 2 + 1) } == .policy)
        let error = #expect(throws: Refusal.self) {
            try RequestCheck.validate(Samples.request { $0[keyPath: field] = String(repeating: "x", count: limit + 1) })
        }
        #expect(error?.message == "\(name) has \(limit + 1) bytes, the limit is \(limit)")
    }

    @Test func `parameters are limited in number`() {
        func parameters(_ count: Int) -> [String: String] {
            Dictionary(uniqueKeysWithValues: (0..<count).map { ("p\($0)", "v") })
        }
        #expect(refusal { $0.parameters = parameters(64) } == nil)
        #expect(refusal { $0.parameters = parameters(65) } == .parameter)
    }

    @Test func `a body that follows is limited`() {
        func body(_ length: UInt64) -> WireReason? {
            refusal {
                $0.bodyFollows = true
                $0.bodyLength = length
            }
        }
        #expect(body(0) == nil)
        #expect(body(1024 * 1024) == nil)
        #expect(body(1024 * 1024 + 1) == .policy)
        #expect(body(.max) == .policy)
    }

    @Test func `the length of a body that stays at the ingress is no concern here`() {
        #expect(refusal { $0.bodyLength = 25 * 1024 * 1024 } == nil)
    }

    @Test(
        arguments: [
            ("01977f3a-5b1c-7d2e-8f40-a1b2c3d4e5f6", true), ("01977F3A-5B1C-7D2E-8F40-A1B2C3D4E5F6", false),
            ("01977f3a5b1c7d2e8f40a1b2c3d4e5f6", false), ("01977f3a-5b1c-7d2e-8f40-a1b2c3d4e5f", false),
            ("01977f3a-5b1c-7d2e-8f40-a1b2c3d4e5f60", false), ("01977f3a-5b1c-7d2e-8f40-a1b2c3d4e5fg", false),
            ("01977f3a-5b1c-7d2e-8f40a-1b2c3d4e5f6", false), ("{01977f3a-5b1c-7d2e-8f40-a1b2c3d4e5}", false),
            ("../../../../../etc/passwd-8f40-a1b2", false), ("é1977f3a-5b1c-7d2e-8f40-a1b2c3d4e5f", false), ("", false),
        ])
    func `a job id is a UUID in lower case`(id: String, isGood: Bool) {
        #expect(refusal { $0.jobID = id } == (isGood ? nil : .policy))
    }

    @Test(arguments: [
        (1, true), (60_000, true), (600_000, true), (600_001, false), (0, false), (-1, false), (Int64.max - Samples.now, false),
    ])
    func `a request lives for some time, ten minutes at most`(life: Int64, isGood: Bool) {
        #expect(refusal { $0.expiresAtMs = $0.issuedAtMs + life } == (isGood ? nil : .expired))
    }

    @Test func `a request is good to its last millisecond`() {
        let request = Samples.request { $0.expiresAtMs = $0.issuedAtMs + 1000 }
        #expect(!RequestCheck.isExpired(request, now: Samples.now + 1000))
        #expect(RequestCheck.isExpired(request, now: Samples.now + 1001))
    }

    @Test func `a request from the future is good as far as clocks may differ`() {
        let request = Samples.request()
        #expect(!RequestCheck.isExpired(request, now: Samples.now - 60_000))
        #expect(RequestCheck.isExpired(request, now: Samples.now - 60_001))
    }
}
