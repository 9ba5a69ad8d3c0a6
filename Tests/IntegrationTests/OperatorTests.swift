import Foundation
import Glibc
import TestSupport
import Testing

/// What an operator does to jobs: cancel, replay, discard; and who may.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct OperatorTests {
    private static let folder = "/tmp/sallyport-operator-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          long:
            command: [sh, -c, "echo x >> \(folder); sleep 7651 & exec sleep 7651"]
            destinations: [web-1]
            timeout: 60s
            grace: 100ms
            concurrency: 1
          dead:
            command: [sh, -c, "cat; echo x >> \(folder); test -e \(folder).good || exit 75"]
            destinations: [web-1]
            stdin: body
            timeout: 20s
            retry: { attempts: 2, backoff: 10ms, exit-codes: [75] }
          waiting:
            command: ["false"]
            destinations: [web-1]
            timeout: 20s
            retry: { attempts: 50, backoff: 1h, max-backoff: 1h, exit-codes: [1] }

        """

    private static let hooks =
        DeliveryTests.hook("long", "respond: async") + DeliveryTests.hook("dead", "body: true")
        + DeliveryTests.hook("waiting", "respond: async")

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: Self.hooks, start: false)
        for file in [Self.folder, "\(Self.folder).good"] { try? FileManager.default.removeItem(atPath: file) }
    }

    private var runs: Int {
        (try? String(contentsOfFile: Self.folder, encoding: .utf8))?.count(where: { $0 == "\n" }) ?? 0
    }

    private func deliver(_ hook: String, _ body: String = "{}", event: String, attempt: Int = 1) throws -> HookAnswer {
        try bed.deliver(body, hook: hook, event: event, attempt: attempt, signature: nil, token: nil)
    }

    private func sallyport(_ arguments: String...) throws -> Command {
        try Command.run(
            try TestBed.binary("sallyport"), arguments + ["--socket", bed.box.appending(path: "run/admin.sock").path])
    }

    private func record(_ id: String) throws -> [String: Any] {
        let shown = try sallyport("jobs", "show", id, "--json")
        return try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any] ?? [:]
    }

    @Test
    func `a running job that is cancelled is ended on its host, for certain, and its sender's retry does not bring it back`()
        throws
    {
        try bed.start()
        #expect(try deliver("long", event: "evt_long").status == 202)
        try #require(eventually { runs == 1 })
        let cancelled = try sallyport("jobs", "cancel", "evt_long")
        #expect(cancelled.code == 0, "\(cancelled.errors)")
        #expect(cancelled.output.contains("failed (cancelled)"))
        #expect(cancelled.output.contains("looked for and gone"))
        #expect(bed.process("sleep 7651", anywhere: true) == nil)
        let shown = try record("evt_long")
        #expect(shown["reason"] as? String == "cancelled")
        let history = try #require(shown["history"] as? [[String: Any]]).compactMap { $0["what"] as? String }
        #expect(history.contains { $0.hasPrefix("cancel asked for by ") && $0.contains("uid \(getuid())") })
        let again = try deliver("long", event: "evt_long", attempt: 2)
        #expect(again["status"] == "failed")
        #expect(again.isDuplicate)
        #expect(try sallyport("jobs", "cancel", "evt_long").code == 1)
        #expect(runs == 1)
    }

    @Test func `a job that waits for its turn, or for its next attempt, never runs once it is cancelled`() throws {
        try bed.start()
        _ = try deliver("long", event: "evt_first")
        try #require(eventually { runs == 1 })
        _ = try deliver("long", #"{"n":2}"#, event: "evt_second")
        #expect(try sallyport("jobs", "cancel", "evt_second").code == 0)
        #expect(try record("evt_second")["reason"] as? String == "cancelled")
        #expect(try sallyport("jobs", "cancel", "evt_first").code == 0)
        _ = try deliver("waiting", event: "evt_waiting")
        try #require(try eventually { (try record("evt_waiting")["nextAttemptMs"] as? Int ?? 0) > 0 })
        #expect(try sallyport("jobs", "list").output.contains("accepted, attempt 2"))
        #expect(try sallyport("jobs", "cancel", "evt_waiting").code == 0)
        let waiting = try record("evt_waiting")
        #expect(waiting["reason"] as? String == "cancelled")
        #expect(waiting["attempts"] as? Int == 1)
        #expect(runs == 1)
    }

    @Test func `dead letters are listed, tried dry, replayed with their body, and discarded`() throws {
        try bed.start()
        for event in ["evt_1", "evt_2"] { #expect(try deliver("dead", #"{"e":"\#(event)"}"#, event: event)["status"] == "dead") }
        let listed = try sallyport("dead-letters", "list", "--json").output.split(separator: "\n")
        #expect(listed.count == 2)
        let dry = try sallyport("dead-letters", "replay", "--all", "--dry-run")
        #expect(dry.code == 0)
        #expect(dry.output.components(separatedBy: "would be replayed").count == 3)
        #expect(runs == 4)
        #expect(FileManager.default.createFile(atPath: "\(Self.folder).good", contents: nil))
        let origin = try #require(try record("evt_1")["job"] as? String)
        let replayed = try sallyport("dead-letters", "replay", origin)
        #expect(replayed.code == 0, "\(replayed.errors)")
        let id = try #require(replayed.output.split(separator: " ").last?.trimmingCharacters(in: .newlines))
        try #require(try eventually { try record(id)["status"] as? String == "succeeded" })
        let replay = try record(id)
        #expect(replay["origin"] as? String == origin)
        #expect((replay["operator"] as? String)?.contains("uid \(getuid())") == true)
        let output = (replay["destinations"] as? [[String: Any]])?.first?["stdout"] as? String
        #expect(output == #"{"e":"evt_1"}"#)
        #expect(try record(origin)["deadLetter"] as? String == "replayed")
        #expect(try deliver("dead", #"{"e":"evt_1"}"#, event: "evt_1", attempt: 3)["job"] == id)
        #expect(try sallyport("dead-letters", "discard", "--job", "dead").code == 0)
        #expect(try sallyport("dead-letters", "list", "--json").output.isEmpty)
        let late = try sallyport("jobs", "replay", "evt_2")
        #expect(late.code == 1)
        #expect(late.output.contains("its body is not kept any more"))
        #expect(try sallyport("dead-letters", "replay").code == 2)
    }

    @Test func `a reader looks and changes nothing, a stranger does not even look`() throws {
        let settings = bed.box.appending(path: "executor.yaml")
        let text = try String(contentsOf: settings, encoding: .utf8)
        func restart(_ admin: String) throws {
            try text.replacing("run/admin.sock }", with: "run/admin.sock, \(admin) }").write(
                to: settings, atomically: true, encoding: .utf8)
            bed.executor.stop()
            if bed.ingress.isRunning {
                try bed.executor.start()
                try bed.waitUntilReady()
            } else {
                try bed.start()
            }
        }
        try restart("operators: [4242], readers: [\(getuid())]")
        _ = try deliver("waiting", event: "evt_reader")
        #expect(try eventually { try sallyport("jobs", "list").output.contains("evt_reader") })
        for command in [
            ["jobs", "cancel", "evt_reader"], ["jobs", "replay", "evt_reader"], ["dead-letters", "discard", "--all"],
        ] {
            let refused = try Command.run(
                try TestBed.binary("sallyport"), command + ["--socket", bed.box.appending(path: "run/admin.sock").path])
            #expect(refused.code == 1)
            #expect(refused.errors.contains("may look at jobs, not change them"), "\(refused.errors)")
        }
        try restart("operators: [4242], readers: [4243]")
        #expect(
            try eventually {
                let code = try sallyport("jobs", "list").code
                return code == 3 && bed.executor.text.contains("neither among the operators nor the readers")
            })
        try restart("operators: { gids: [\(getgid())] }")
        #expect(try eventually { try sallyport("jobs", "list").code == 0 })
    }

    @Test func `the journal is checked and copied beside an executor that serves`() throws {
        try bed.start()
        _ = try deliver("waiting", event: "evt_kept")
        func journal(_ arguments: String...) throws -> Command {
            try Command.run(
                try TestBed.binary("sallyport-executor"),
                ["journal"] + arguments + ["--config", bed.box.appending(path: "executor.yaml").path])
        }
        let checked = try journal("check")
        #expect(checked.code == 0, "\(checked.errors)")
        #expect(checked.output.contains("is whole"))
        let copy = bed.folder.appending(path: "copy.db").path
        let copied = try journal("backup", copy)
        #expect(copied.code == 0, "\(copied.errors)")
        #expect(FileManager.default.fileExists(atPath: copy))
        #expect(try journal("backup", copy).code == 1)
        // The executor has noticed nothing.
        #expect(try sallyport("jobs", "list").output.contains("evt_kept"))
    }

    @Test func `a list is narrowed by what is said, and wrong words are wrong use`() throws {
        try bed.start()
        _ = try deliver("dead", event: "evt_a")
        _ = try deliver("waiting", event: "evt_b")
        func events(_ arguments: String...) throws -> [String] { try bed.jobs(arguments).compactMap { $0["event"] as? String } }
        #expect(try events("--hook", "dead") == ["evt_a"])
        #expect(try events("--status", "dead") == ["evt_a"])
        #expect(try events("--event", "evt_b") == ["evt_b"])
        #expect(try events("--host", "web-1").sorted() == ["evt_a", "evt_b"])
        #expect(try events("--host", "web") == [])
        #expect(try events("--since", "1h").count == 2)
        #expect(try events("--until", "1h").isEmpty)
        #expect(try events("--since", "2020-01-01T00:00:00Z", "--until", "2020-01-02T00:00:00Z").isEmpty)
        for wrong in [["--since", "yesterday"], ["--status", "good"], ["--limit", "0"], ["--hook", ""]] {
            #expect(try bed.command(["jobs", "list"] + wrong).code == 2)
        }
        #expect(try bed.command(["dead-letters", "discard", "--hook", ""]).code == 2)
        #expect(try bed.command(["dead-letters", "list"]).output.contains("evt_a"))
    }
}
