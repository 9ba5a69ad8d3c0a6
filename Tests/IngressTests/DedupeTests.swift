import Testing

@testable import Ingress

@Suite struct DedupeTests {
    private func key(
        _ basis: Dedupe.Basis, hook: String = "h", event: String = "e", caller: String = "", digest: [UInt8] = [1]
    ) -> String {
        Dedupe(basis: basis, window: 0, demandsKey: false).key(hook: hook, event: event, caller: caller, digest: digest)
    }

    @Test func `each basis looks at what it says, and at nothing else`() {
        #expect(key(.event) == key(.event, digest: [2]))
        #expect(key(.event) != key(.event, event: "f"))
        #expect(key(.body) == key(.body, event: "f"))
        #expect(key(.body) == key(.body, event: ""))
        #expect(key(.body) != key(.body, digest: [2]))
        #expect(key(.eventAndBody) != key(.eventAndBody, digest: [2]))
        #expect(key(.eventAndBody) != key(.eventAndBody, event: "f"))
        #expect(key(.idempotencyKey) == key(.idempotencyKey, digest: [2]))
        #expect(key(.idempotencyKey) != key(.idempotencyKey, caller: "somebody else"))
        for basis in Dedupe.Basis.allCases { #expect(key(basis) != key(basis, hook: "g"), "\(basis)") }
    }

    @Test func `no two sets of values run together`() {
        let keys = [
            key(.event, hook: "a", event: "bc"), key(.event, hook: "ab", event: "c"), key(.body, hook: "a"),
            key(.idempotencyKey, hook: "a", event: "bc"), key(.idempotencyKey, hook: "a", event: "c", caller: "b"),
            key(.eventAndBody, hook: "a", event: "bc"),
        ]
        #expect(Set(keys).count == keys.count)
    }

    @Test func `without an event id only a body can be a duplicate`() {
        for basis in Dedupe.Basis.allCases { #expect(key(basis, event: "").isEmpty == (basis != .body), "\(basis)") }
    }

    @Test(arguments: [
        ("k", "k"), ("\"k\"", "k"), ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ("", nil), ("\"\"", nil), ("\"k", nil), ("k\"", nil), ("a b", nil), ("a,b", nil), ("\"a\", \"b\"", nil), ("k;p=1", nil),
        ("a\\b", nil), ("é", nil), ("\"", nil),
    ])
    func `an idempotency key is a string, in quotes or bare`(value: String, key: String?) {
        #expect(IdempotencyKey.parse(value) == key)
    }

    @Test func `an idempotency key is limited, without its quotes`() {
        let longest = String(repeating: "k", count: 255)
        #expect(IdempotencyKey.parse(longest) == longest)
        #expect(IdempotencyKey.parse("\"\(longest)\"") == longest)
        #expect(IdempotencyKey.parse(longest + "k") == nil)
    }

    @Test func `a hook that takes Idempotency-Key demands one, unless it says otherwise, and believes no attempt`() throws {
        func intent(_ settings: String, _ headers: [(String, String)]) throws -> JobIntent {
            try JobIntent(Samples.delivery("{}", headers), for: Samples.hook("dedupe: {by: idempotency-key\(settings)}"))
        }
        #expect(Rejection.of { try intent("", []) }?.answer.status == .badRequest)
        #expect(try intent(", required: false", []).request.dedupeKey == "")
        #expect(Rejection.of { try intent("", [("Idempotency-Key", "a, b")]) }?.answer.status == .badRequest)
        let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
        #expect(Rejection.of { try intent("", twice) }?.answer.status == .badRequest)
        let headers = [("Idempotency-Key", "\"a\""), ("X-Hookdeck-Attempt-Count", "9"), ("X-Hookdeck-Attempt-Trigger", "MANUAL")]
        let request = try intent("", headers).request
        #expect(request.eventID == "a")
        #expect(request.attempt == 0)
        #expect(!request.manualRetry)
        #expect(try request.dedupeKey == intent("", [("Idempotency-Key", "a")]).request.dedupeKey)
    }
}
