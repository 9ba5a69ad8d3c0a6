import Foundation
import Glibc
import TestSupport
import Testing

/// What becomes of a delivery when a process or a host goes away under it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RestartTests {
    private static let folder = "/tmp/sallyport-restart-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          mark:
            command: [sh, -c, "echo x >> \(folder); sleep 2; echo marked"]
            destinations: [web-1]
            timeout: 20s
          again:
            command: [sh, -c, "echo x >> \(folder); sleep 2; echo marked"]
            destinations: [web-1]
            timeout: 20s
            interrupted: retry
          stuck:
            command: [sh, -c, "echo x >> \(folder); exec sleep 7654"]
            destinations: [web-1]
            timeout: 2s
            grace: 100ms
          long:
            command: [sh, -c, "echo x >> \(folder); exec sleep 7654"]
            destinations: [web-1]
            timeout: 60s
          single:
            command: [sh, -c, "echo x >> \(folder); sleep 3; echo marked"]
            destinations: [web-1]
            timeout: 20s
            concurrency: 1
          patient:
            command: [echo, reached]
            destinations: [web-1]
            timeout: 20s
            # Longer than the 10 s for which the third failure in a row puts the host aside.
            retry: { attempts: 20, backoff: 200ms, max-backoff: 2s }

        """

    private static let hooks =
        ["mark", "again", "long", "patient"].map { DeliveryTests.hook($0) }.joined()
        + DeliveryTests.hook("stuck", "wait: 60s")
        + DeliveryTests.hook("single", "respond: sync\n    dedupe: { by: event-and-body }")

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: Self.hooks)
        try? FileManager.default.removeItem(atPath: Self.folder)
    }

    private var runs: Int {
        (try? String(contentsOfFile: Self.folder, encoding: .utf8))?.count(where: { $0 == "\n" }) ?? 0
    }

    /// A delivery that waits for its answer while the test goes on.
    private func delivering(_ hook: String, event: String) -> Background<HookAnswer> {
        let bed = bed
        return Background { try bed.deliver(hook: hook, event: event, signature: nil, token: nil) }
    }

    private func awaitRuns(_ count: Int) throws { try #require(eventually { runs == count }) }

    @Test func `an executor that is told to stop finishes what runs, and the waiting sender gets its result`() throws {
        let answer = delivering("mark", event: "evt_stop")
        try awaitRuns(1)
        #expect(bed.executor.stop(SIGTERM, within: 20) == 0)
        #expect(try answer.value.status == 200)
        #expect(runs == 1)
    }

    @Test func `a request that came while the executor was away is run when the next one connects`() throws {
        // The worker is busy with the first, the executor is stopping, and the second is left to the next executor.
        let first = delivering("mark", event: "evt_first")
        try awaitRuns(1)
        kill(bed.executor.pid, SIGTERM)
        usleep(300_000)
        let second = delivering("mark", event: "evt_second")
        #expect(try first.value.status == 200)
        bed.executor.stop()
        try bed.executor.start()
        let answer = try second.value
        #expect(answer.status == 200)
        #expect(answer["stdout"] == "marked\n")
        #expect(runs == 2)
    }

    @Test func `an executor that is told to stop begins nothing that waits in line; the next one runs it`() throws {
        let first = delivering("single", event: "line_1")
        try awaitRuns(1)
        let others = (2...4).map { delivering("single", event: "line_\($0)") }
        try #require(eventually { try bed.jobs(["--status", "accepted"]).count == 3 })
        #expect(bed.executor.stop(SIGTERM, within: 20) == 0)
        #expect(runs == 1)
        #expect(try first.value.status == 200)
        try bed.executor.start()
        #expect(try others.map { try $0.value.status } == [200, 200, 200])
        #expect(runs == 4)
    }

    @Test func `a second executor waits for the journal until the first one has stopped, and may be stopped meanwhile`() throws {
        let next = Daemon(
            try TestBed.binary("sallyport-executor"), ["serve", "--config", bed.box.appending(path: "executor.yaml").path],
            log: bed.folder.appending(path: "next.log"))
        defer { next.stop(SIGTERM, within: 20) }
        let waits = { eventually { next.text.contains("another executor uses the journal; waiting for it to stop") } }
        try next.start()
        try #require(waits())
        #expect(next.stop(SIGTERM, within: 5) == 0)
        try next.start()
        try #require(waits())
        #expect(try bed.deliver(hook: "mark", event: "evt_before", signature: nil, token: nil).status == 200)
        #expect(bed.executor.stop(SIGTERM, within: 20) == 0)
        try #require(eventually { next.text.contains("ingress connected") })
        #expect(try bed.deliver(hook: "mark", event: "evt_after", signature: nil, token: nil).status == 200)
        #expect(runs == 2)
    }

    @Test func `after kill -9 of the executor the outcome is unknown, the command is ended, and the event does not run again`()
        throws
    {
        let answer = delivering("long", event: "evt_killed")
        try awaitRuns(1)
        kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
        let told = try answer.value
        #expect(told.status == 500)
        #expect(told["status"] == "unknown")
        #expect(eventually { bed.process("sleep 7654", anywhere: true) == nil })
        let later = try bed.deliver(hook: "long", event: "evt_killed", attempt: 2, signature: nil, token: nil)
        #expect(later["status"] == "unknown")
        #expect(later.isDuplicate)
        #expect(runs == 1)
    }

    @Test func `a job that waited in line and is cut off twice, first in the line, then running, runs once`() throws {
        let first = delivering("single", event: "first")
        try awaitRuns(1)
        let second = delivering("single", event: "second")
        try #require(eventually { try bed.jobs(["--status", "accepted"]).count == 1 })
        // In line: it runs when the next executor has come.
        kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
        try awaitRuns(2)
        // Running: what the journal said of it in the line must not make it run again.
        kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
        #expect(try second.value.status == 500)
        #expect(try first.value.status == 500)
        try bed.waitUntilReady()
        usleep(500_000)
        #expect(runs == 2)
        #expect(try bed.jobs(["--status", "unknown"]).count == 2)
    }

    @Test func `a job that says so runs again after kill -9 of the executor`() throws {
        let answer = delivering("again", event: "evt_again")
        try awaitRuns(1)
        kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
        let told = try answer.value
        #expect(told.status == 200, "\(told.text)")
        #expect(told.json["attempts"] as? Int == 2)
        #expect(runs == 2)
    }

    @Test func `after kill -9 of the ingress the job ends, and the event sent again gets the stored result`() throws {
        let answer = delivering("mark", event: "evt_ingress")
        try awaitRuns(1)
        bed.ingress.stop(SIGKILL)
        #expect(throws: (any Error).self) { try answer.value }
        try bed.ingress.start()
        try bed.waitUntilReady()
        let again = try bed.deliver(hook: "mark", event: "evt_ingress", attempt: 2, signature: nil, token: nil)
        #expect(again.status == 200)
        #expect(again["stdout"] == "marked\n")
        #expect(again.isDuplicate)
        #expect(runs == 1)
    }

    @Test func `after kill -9 of the worker the outcome is unknown, and the next delivery has another worker`() throws {
        let answer = delivering("long", event: "evt_worker")
        try awaitRuns(1)
        for pid in bed.processes("sallyport-ssh-worker") { kill(pid, SIGKILL) }
        let told = try answer.value
        #expect(told.status == 500)
        #expect(told["status"] == "unknown")
        #expect(told["error"]?.contains("web-1") == true)
        #expect(eventually { bed.process("sleep 7654", anywhere: true) == nil })
        #expect(try bed.deliver(hook: "patient", signature: nil, token: nil).status == 200)
    }

    @Test func `a worker that is stuck is killed, and another takes its place`() throws {
        let answer = delivering("stuck", event: "evt_stuck")
        try awaitRuns(1)
        let workers = bed.processes("sallyport-ssh-worker")
        for pid in workers { kill(pid, SIGSTOP) }
        #expect(try answer.value["status"] == "unknown")
        #expect(eventually { Set(bed.processes("sallyport-ssh-worker")).subtracting(workers).count > 0 })
        // The other one holds nothing and is found out when it does.
        for pid in workers { kill(pid, SIGCONT) }
        #expect(eventually { (try? bed.deliver(hook: "patient", signature: nil, token: nil).status) == 200 })
    }

    @Test func `an executor that is away is 503 with Retry-After, and nothing is kept`() throws {
        bed.executor.stop()
        try #require(eventually { (try? bed.deliver(hook: "mark", signature: nil, token: nil).status) == 503 })
        let answer = try bed.deliver(hook: "mark", signature: nil, token: nil)
        #expect(answer.headers["retry-after"] == "5")
        try bed.executor.start()
        try bed.waitUntilReady()
        #expect(runs == 0)
    }

    @Test func `a host that is down is 502 naming it, and one that comes back in time is reached`() throws {
        bed.server.stop(SIGKILL)
        let answer = try bed.deliver(hook: "mark", signature: nil, token: nil)
        #expect(answer.status == 502)
        #expect(answer["reason"] == "unreachable")
        #expect(answer["error"]?.contains("web-1") == true)
        let patient = delivering("patient", event: "evt_patient")
        try #require(eventually { bed.executor.text.contains("trying again") })
        try bed.server.start()
        let reached = try patient.value
        #expect(reached.status == 200, "\(reached.text)")
        #expect((reached.json["attempts"] as? Int ?? 0) > 1)
    }

    @Test func `a host key that changed is refused before the key is used, with both fingerprints, until it is pinned anew`()
        throws
    {
        let old = try bed.server.fingerprint
        bed.server.stop(SIGKILL)
        try bed.server.changeHostKey()
        try bed.server.start()
        let answer = try bed.deliver(hook: "mark", signature: nil, token: nil)
        #expect(answer.status == 502)
        #expect(answer["reason"] == "host-key")
        #expect(answer["error"]?.contains(old) == true)
        #expect(answer["error"]?.contains(try bed.server.fingerprint) == true)
        #expect(!bed.executor.text.contains("\"signed\""))
        #expect(runs == 0)
        try bed.pinHostKey()
        bed.executor.stop()
        try bed.executor.start()
        try bed.waitUntilReady()
        #expect(try bed.deliver(hook: "patient", signature: nil, token: nil).status == 200)
    }

    @Test func `twenty kills of either half at random lose nothing that was promised and run nothing twice`() throws {
        var told: [String: HookAnswer] = [:]
        for round in 0..<20 {
            let event = "evt_round_\(round)"
            let bed = bed
            let killer = Thread {
                usleep(UInt32.random(in: 0..<400_000))
                if round.isMultiple(of: 2) {
                    if let pid = bed.process("sallyport-executor run") { kill(pid, SIGKILL) }
                } else {
                    bed.ingress.stop(SIGKILL)
                }
            }
            killer.start()
            told[event] = try? bed.deliver(
                #"{"event":"\#(event)"}"#, hook: "patient", event: event, signature: nil, token: nil)
            while !killer.isFinished { usleep(1_000) }
            if !bed.ingress.isRunning { try bed.ingress.start() }
            try bed.waitUntilReady()
        }
        let jobs = try bed.jobs(["--limit", "1000"])
        for (event, answer) in told where answer.status / 100 == 2 {
            let records = jobs.filter { $0["event"] as? String == event }
            #expect(records.count == 1, "\(event)")
            #expect(records.first?["status"] as? String == "succeeded", "\(event)")
        }
        for (event, records) in Dictionary(grouping: jobs, by: { $0["event"] as? String ?? "" }) {
            #expect(records.count == 1, "\(event)")
        }
        #expect(told.values.contains { $0.status == 200 })
    }
}
