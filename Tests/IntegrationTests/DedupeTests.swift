import Foundation
import Glibc
import TestSupport
import Testing

/// What one event is, to the real binaries: Hookdeck's attempts, replayed bodies, idempotency keys.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct DedupeTests {
    private static let file = "/tmp/sallyport-dedupe-\(UUID().uuidString.prefix(8))"

    /// The first run waits and fails, every further one succeeds.
    private static let jobs = """
          recovers:
            command: [sh, -c, "echo x >> \(file); [ $(wc -l < \(file)) -gt 1 ] && echo recovered && exit 0; sleep 1; exit 3"]
            destinations: [web-1]
            timeout: 10s
          runs:
            command: [sh, -c, "echo x >> \(file); echo ran"]
            destinations: [web-1]
            timeout: 10s
          slow:
            command: [sh, -c, "echo x >> \(file); sleep 2; echo ran"]
            destinations: [web-1]
            timeout: 10s
          fails:
            command: [sh, -c, "echo x >> \(file); exit 3"]
            destinations: [web-1]
            timeout: 10s

        """

    private static func hookdeck(_ name: String, _ more: String, job: String) -> String {
        """
          \(name):
            verify: { hookdeck: { secret: { file: secrets/hookdeck } } }
            job: \(job)
            \(more)

        """
    }

    private static let hooks =
        hookdeck("recovers", "respond: sync", job: "recovers") + hookdeck("manual", "manual-retry: true", job: "runs")
        + hookdeck("plain", "respond: sync", job: "runs")
        + hookdeck("windowed", "dedupe: { by: body, window: 1s }", job: "runs")
        + hookdeck("by-event", "dedupe: { by: event }", job: "runs")
        + hookdeck("slow", "respond: sync", job: "slow")
        + ["runs", "slow", "fails"].map { (job: String) in
            DeliveryTests.hook("key-\(job)", "dedupe: { by: idempotency-key }", job: job)
        }.joined()

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: Self.hooks)
        try? FileManager.default.removeItem(atPath: Self.file)
    }

    private var runs: Int { (try? String(contentsOfFile: Self.file, encoding: .utf8))?.count(where: { $0 == "\n" }) ?? 0 }

    private func send(
        _ hook: String, event: String, attempt: Int = 1, trigger: String = "AUTOMATIC", body: String = TestBed.push
    ) throws -> HookAnswer {
        try bed.deliver(
            body, hook: hook, event: event, attempt: attempt, token: nil, more: ["-H", "X-Hookdeck-Attempt-Trigger: \(trigger)"])
    }

    private func call(_ hook: String, key: String?, body: String = TestBed.push) throws -> HookAnswer {
        try bed.deliver(
            body, hook: hook, signature: nil, token: nil, more: key.map { ["-H", "Idempotency-Key: \($0)"] } ?? [])
    }

    @Test
    func
        `an event lives through Hookdeck's attempts: one fails while the next arrives, a later one succeeds, a late one learns of it`()
        throws
    {
        let bed = bed
        let first = Background { try bed.deliver(hook: "recovers", event: "evt_life", attempt: 1, token: nil) }
        try #require(eventually { runs == 1 })
        // Attempt 2 arrives while attempt 1 still runs: it waits for it and learns of its failure.
        let second = try send("recovers", event: "evt_life", attempt: 2)
        let begun = try first.value
        #expect(begun.status == 500)
        #expect(second.status == 500)
        #expect(second["job"] == begun["job"])
        #expect(second.isDuplicate)
        #expect(runs == 1)
        let third = try send("recovers", event: "evt_life", attempt: 3)
        #expect(third.status == 200)
        #expect(third["stdout"] == "recovered\n")
        #expect(!third.isDuplicate)
        #expect(runs == 2)
        for attempt in [3, 4, 1] {
            let late = try send("recovers", event: "evt_life", attempt: attempt)
            #expect(late.status == 200)
            #expect(late["job"] == third["job"])
            #expect(late["stdout"] == "recovered\n")
            #expect(late.headers["idempotency-replayed"] == "true")
        }
        // By hand, which this hook does not honour.
        #expect(try send("recovers", event: "evt_life", attempt: 5, trigger: "MANUAL").isDuplicate)
        #expect(runs == 2)
    }

    @Test func `a manual retry runs a succeeded event again where the hook honours it`() throws {
        let first = try send("manual", event: "evt_manual")
        #expect(try send("manual", event: "evt_manual", attempt: 2).isDuplicate)
        let manual = try send("manual", event: "evt_manual", attempt: 3, trigger: "MANUAL")
        #expect(manual.status == 200)
        #expect(manual["job"] != first["job"])
        #expect(try send("manual", event: "evt_manual", attempt: 4, trigger: "BULK_RETRY")["job"] != manual["job"])
        #expect(runs == 3)
    }

    @Test func `a captured body does not run again under a forged event id, in flight or later, nor without one`() throws {
        let bed = bed
        let first = Background { try bed.deliver(hook: "slow", event: "evt_true", token: nil) }
        try #require(eventually { runs == 1 })
        #expect(try send("slow", event: "evt_forged_1")["job"] == first.value["job"])
        #expect(try send("slow", event: "evt_forged_2", attempt: 9).isDuplicate)
        #expect(try send("slow", event: "").isDuplicate)
        #expect(runs == 1)
        // Another body is another event.
        #expect(try !send("slow", event: "evt_other", body: TestBed.push + " ").isDuplicate)
        #expect(runs == 2)
    }

    @Test func `after its window the same body under another event id runs again, under its own it does not`() throws {
        #expect(try send("windowed", event: "evt_1").status == 200)
        #expect(try send("windowed", event: "evt_2").isDuplicate)
        usleep(1_100_000)
        #expect(try !send("windowed", event: "evt_3").isDuplicate)
        #expect(try send("windowed", event: "evt_1", attempt: 7).isDuplicate)
        #expect(runs == 2)
    }

    @Test func `an event id with another body is refused where the id alone decides`() throws {
        #expect(try send("by-event", event: "evt_id").status == 200)
        let other = try send("by-event", event: "evt_id", attempt: 2, body: TestBed.push + " ")
        #expect(other.status == 422)
        #expect(other["reason"] == "replay")
        #expect(runs == 1)
    }

    @Test func `an idempotency key gets the result of its first use, success or failure, and never another body's`() throws {
        #expect(try call("key-runs", key: nil).status == 400)
        let first = try call("key-runs", key: "\"k1\"")
        #expect(first.status == 200)
        let again = try call("key-runs", key: "k1")
        #expect(again["job"] == first["job"])
        #expect(again.headers["idempotency-replayed"] == "true")
        #expect(try call("key-runs", key: "k1", body: "{}").status == 422)
        let failed = try call("key-fails", key: "k1")
        #expect(failed.status == 500)
        #expect(!failed.isDuplicate)
        #expect(try call("key-fails", key: "k1")["job"] == failed["job"])
        #expect(runs == 2)
    }

    @Test func `an idempotency key in flight is 409, also when the ingress has forgotten it`() throws {
        let bed = bed
        let first = Background {
            try bed.deliver(hook: "key-slow", signature: nil, token: nil, more: ["-H", "Idempotency-Key: k2"])
        }
        try #require(eventually { runs == 1 })
        let conflict = try call("key-slow", key: "k2")
        #expect(conflict.status == 409)
        #expect(conflict.headers["content-type"] == "application/problem+json")
        #expect(try call("key-slow", key: "k2", body: "{}").status == 422)
        bed.ingress.stop(SIGKILL)
        try bed.ingress.start()
        try bed.waitUntilReady()
        let status = try call("key-slow", key: "k2").status
        // The command may have ended meanwhile.
        #expect(status == 409 || status == 200)
        _ = try? first.value
        #expect(try eventually { try call("key-slow", key: "k2").status == 200 })
        #expect(runs == 1)
    }
}
