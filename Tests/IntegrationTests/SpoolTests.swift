import Authentication
import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import TestSupport
import Testing

/// What becomes of deliveries while the executor is away, with the real binaries in their sandboxes.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct SpoolTests {
    private static let file = "/tmp/sallyport-spool-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          note:
            command: [sh, -c, "echo \\"$1\\" >> \(file)", sh, "{id}"]
            destinations: [web-1]
            parameters: { id: { pattern: "[a-z0-9-]+" } }
            timeout: 10s
            concurrency: 1
          digest:
            command: [sh, -c, "sha256sum >> \(file)"]
            destinations: [web-1]
            stdin: body
            timeout: 10s

        """

    private static let hooks =
        hook("note") + hook("second", job: "note") + hook("strict", job: "note") + hook("digest", "body: true", id: false)
        + hook("unpoliced", job: "no-such-job") + DeliveryTests.hook("away", job: "note")
        + hook("brief", "wait: 500ms", job: "note")
        + hook("keyed", "dedupe: { by: idempotency-key }", job: "note")

    private static func hook(_ name: String, _ more: String = "respond: sync", job: String? = nil, id: Bool = true) -> String {
        DeliveryTests.hook(
            name, more + "\n    when-executor-away: spool" + (id ? "\n    parameters: { id: { payload: /id } }" : ""), job: job)
    }

    private let bed: TestBed

    init() throws {
        try? FileManager.default.removeItem(atPath: Self.file)
        bed = try TestBed.spooling(jobs: Self.jobs, hooks: Self.hooks, spool: "maximum-deliveries: 20")
        try bed.startIngress()
    }

    private var noted: [String] {
        ((try? String(contentsOfFile: Self.file, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    private func send(_ id: String, hook: String = "note", event: String? = nil, more: [String] = []) throws -> HookAnswer {
        try bed.deliver(#"{"id":"\#(id)"}"#, hook: hook, event: event ?? "evt_\(id)", signature: nil, token: nil, more: more)
    }

    private func awaitEmpty() throws {
        try #require(try eventually { try bed.metric("sallyport_spool_deliveries") == 0 }, "\(bed.ingress.text)")
    }

    @Test func `what was promised while the executor was away outlives kill -9 and runs once, in order, when it is back`() throws
    {
        let ids = (0..<8).map { "n\($0)" }
        var told: [String] = []
        for id in ids {
            let answer = try send(id)
            #expect(answer.status == 202)
            #expect(answer["status"] == "accepted")
            #expect(answer.headers["location"] == "/jobs/\(answer["job"] ?? "")")
            told.append(answer["job"] ?? "")
            if id == "n3" {
                bed.ingress.stop(SIGKILL)
                try bed.startIngress()
            }
        }
        // The same event once more is the same job.
        let again = try send("n0")
        #expect(again.status == 202)
        #expect(again["job"] == told[0])
        #expect(again.isDuplicate)
        #expect(try bed.metric("sallyport_spool_deliveries") == 8)
        #expect((try bed.metric("sallyport_spool_bytes") ?? 0) > 0)
        try bed.executor.start()
        try awaitEmpty()
        try #require(eventually { noted.count == 8 })
        // Ids of jobs rise with time, and so do the numbers under which the journal took them.
        let jobs = try bed.jobs().reversed().compactMap { $0["job"] as? String ?? $0["id"] as? String }
        #expect(jobs.filter(told.contains) == told)
        #expect(Set(noted) == Set(ids))
        #expect(try bed.metric("sallyport_spool_handed_over_total") == 8)
        #expect(bed.spooled().isEmpty)
        // From now on the executor answers itself.
        #expect(try send("n9").status == 200)
        #expect(try send("n0").isDuplicate)
        #expect(noted.count == 9)
    }

    @Test func `a body is spooled whole`() throws {
        let body = String((0..<200_000).map { _ in Character(UnicodeScalar(UInt8.random(in: 0x20...0x7e))) })
        #expect(try bed.deliver(body, hook: "digest", signature: nil, token: nil).status == 202)
        bed.ingress.stop(SIGKILL)
        try bed.startIngress()
        try bed.executor.start()
        let expected = try Command.run("/usr/bin/sha256sum", [], input: Data(body.utf8)).output
        #expect(eventually { noted.first.map { $0 + "\n" } == expected })
    }

    @Test func `a hook that does not spool is refused, and readiness says what is done`() throws {
        #expect(try send("a", hook: "away").status == 503)
        let ready = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/readyz"]).output
        #expect(ready == "no executor is connected; deliveries are spooled\n")
    }

    @Test func `a full spool is 503 with Retry-After`() throws {
        for number in 0..<20 { #expect(try send("f\(number)").status == 202) }
        let refused = try send("f20")
        #expect(refused.status == 503)
        #expect(refused.headers["retry-after"] == "5")
        #expect(try send("f3").status == 202)
        let ready = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/readyz"]).output
        #expect(ready == "no executor is connected\n")
        try bed.executor.start()
        try awaitEmpty()
        #expect(eventually { noted.count == 20 })
    }

    @Test func `a disk that cannot be written is 503, and works again when it can`() throws {
        let away = bed.folder.appending(path: "away")
        try FileManager.default.moveItem(at: bed.spoolFolder, to: away)
        try FileManager.default.removeItem(at: away)
        let refused = try send("d1")
        #expect(refused.status == 503)
        #expect(refused.headers["retry-after"] == "5")
        #expect(bed.ingress.isRunning)
        #expect(bed.ingress.text.contains("spool cannot be written"))
    }

    @Test func `what the executor refuses is set aside, named in the log and counted, and does not hold up the others`() throws {
        #expect(try bed.deliver(#"{"id":"x"}"#, hook: "unpoliced", signature: nil, token: nil).status == 202)
        #expect(try bed.deliver(#"{"id":"NOT GOOD"}"#, hook: "note", signature: nil, token: nil).status == 202)
        #expect(try send("good").status == 202)
        try bed.executor.start()
        try awaitEmpty()
        #expect(eventually { noted == ["good"] })
        #expect(bed.spooled("refused").count == 2)
        #expect(try bed.metric(#"sallyport_spool_refused_total{reason="policy"}"#) == 1)
        #expect(try bed.metric(#"sallyport_spool_refused_total{reason="parameter"}"#) == 1)
        #expect(bed.ingress.text.contains("spooled delivery will not run"))
    }

    @Test func `a damaged record is set aside and named, and the others run`() throws {
        for id in ["r0", "r1", "r2"] { #expect(try send(id).status == 202) }
        bed.ingress.stop(SIGKILL)
        let file = bed.spoolFolder.appending(path: try #require(bed.spooled().first))
        var bytes = [UInt8](try Data(contentsOf: file))
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: file)
        try bed.startIngress()
        try bed.executor.start()
        try awaitEmpty()
        #expect(eventually { Set(noted) == ["r0", "r2"] })
        #expect(bed.spooled("damaged").count == 1)
        #expect(bed.ingress.text.contains("damaged record"))
    }

    @Test func `a delivery that the executor does not confirm in time is spooled, and runs once when it wakes`() throws {
        try bed.executor.start()
        try #require(try eventually { try bed.metric("sallyport_executors_connected") == 1 })
        let executor = try #require(bed.process("sallyport-executor run"))
        kill(executor, SIGSTOP)
        defer { kill(executor, SIGCONT) }
        let answer = try send("slow", hook: "brief")
        #expect(answer.status == 202)
        #expect(try bed.metric("sallyport_spool_deliveries") == 1)
        kill(executor, SIGCONT)
        try awaitEmpty()
        try #require(eventually { noted == ["slow"] })
        #expect(try send("slow", hook: "brief")["job"] == answer["job"])
        #expect(noted == ["slow"])
    }

    /// A request that was spooled an hour ago.
    private func old(_ id: String) -> WireJobRequest {
        var request = WireJobRequest.good("note", parameters: ["id": id], event: "evt_\(id)")
        request.issuedAtMs -= 3_600_000
        request.waitUntilMs -= 3_600_000
        request.expiresAtMs -= 3_600_000
        return request
    }

    @Test func `what waited for longer than a request lives is signed anew and runs; what waited too long is set aside`() throws {
        bed.ingress.stop()
        let (late, stale) = (old("late"), old("stale"))
        let now = WallClock.now()
        let bytes =
            try bed.record(stale, storedAt: now - 8 * 86_400_000) + bed.record(late, storedAt: now - 3_600_000, order: 2)
        try Data(bytes).write(to: bed.spoolFolder.appending(path: "00000000000000000001.spool"))
        try bed.startIngress()
        try bed.executor.start()
        try awaitEmpty()
        #expect(eventually { noted == ["late"] })
        #expect(bed.spooled("expired").count == 1)
        #expect(bed.spooled("expired").first?.contains(stale.jobID) == true)
        // The job kept its id, and its event runs no second time.
        #expect(try bed.jobs().contains { ($0["job"] as? String ?? $0["id"] as? String) == late.jobID })
        #expect(bed.spooled().isEmpty)
    }

    @Test func `a job that the executor had already is not run again by what the spool still holds`() throws {
        try bed.executor.start()
        try bed.waitUntilReady()
        try #require(try eventually { try bed.metric("sallyport_executors_connected") == 1 })
        #expect(try send("once").status == 200)
        bed.ingress.stop(SIGKILL)
        // As if its record had been written too: another envelope of the same event, past its expiry.
        var request = old("once")
        request.dedupeKey = try #require(try keyOfFirstJob())
        request.bodyDigest = .init(SHA256.hash(Array(#"{"id":"once"}"#.utf8)))
        try Data(try bed.record(request, storedAt: WallClock.now())).write(
            to: bed.spoolFolder.appending(path: "00000000000000000001.spool"))
        try bed.startIngress()
        try awaitEmpty()
        usleep(300_000)
        #expect(noted == ["once"])
    }

    private func keyOfFirstJob() throws -> String? {
        // As the ingress makes it: hook, event, body.
        let digest = SHA256.hash(Array(#"{"id":"once"}"#.utf8))
        return Hex.encode(SHA256.hash(Array("4:note8:evt_once".utf8) + digest))
    }

    @Test func `an idempotency key that waits in the spool is in flight`() throws {
        #expect(try send("k", hook: "keyed", more: ["-H", "Idempotency-Key: key-1"]).status == 202)
        #expect(try send("k", hook: "keyed", more: ["-H", "Idempotency-Key: key-1"]).status == 409)
        #expect(try send("l", hook: "keyed", more: ["-H", "Idempotency-Key: key-1"]).status == 422)
    }

    @Test func `a second ingress does not take the same spool`() throws {
        let other = Daemon(
            try TestBed.binary("sallyport-ingress"), ["serve", "--config", bed.box.appending(path: "ingress.yaml").path],
            log: bed.folder.appending(path: "other.log"))
        try other.start()
        #expect(eventually { !other.isRunning })
        #expect(other.text.contains("another ingress uses it"))
    }

    @Test func `check says what is spooled, and a hook that spools nowhere is refused`() throws {
        let checked = try Command.run(
            try TestBed.binary("sallyport-ingress"), ["check", "--config", bed.box.appending(path: "ingress.yaml").path])
        #expect(checked.code == 0)
        #expect(checked.output.contains("spool: while no executor is connected, deliveries of hooks brief, digest, keyed, note"))
        let settings = try String(contentsOf: bed.box.appending(path: "ingress.yaml"), encoding: .utf8)
        let without = bed.box.appending(path: "without.yaml")
        try settings.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("spool:") }
            .joined(separator: "\n").write(to: without, atomically: true, encoding: .utf8)
        let refused = try Command.run(try TestBed.binary("sallyport-ingress"), ["check", "--config", without.path])
        #expect(refused.code == 78)
        #expect(refused.errors.contains("`when-executor-away: spool` needs a `spool: {directory: …}`"))
    }
}
