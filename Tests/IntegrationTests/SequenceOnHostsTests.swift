import Foundation
import Glibc
import TestSupport
import Testing

/// Destinations one after the other, with the real binaries: three names for one sshd.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct SequenceOnHostsTests {
    private static let log = "/tmp/sallyport-sequence-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          rolling:
            command: [sh, -c, 'echo "$1 begin" >> \(log); \
              case $(grep -c begin \(log)) in $2) exit "$3";; esac; sleep 0.2; echo "$1 end" >> \(log)', sh, "{tag}", "{at}", "{code}"]
            destinations: [c, rest]
            order: sequence
            timeout: 20s
            retry: { attempts: 3, backoff: 10ms, exit-codes: [75] }
            parameters: &none
              tag: { pattern: "[a-z]+" }
              at: { pattern: "[0-9]+" }
              code: { pattern: "[0-9]+" }
          slow:
            command: [sh, -c, "echo begin >> \(log); sleep 600"]
            destinations: [c, rest]
            order: sequence
            timeout: 700s
            grace: 100ms
          short:
            command: [sh, -c, "echo begin >> \(log); sleep 0.7"]
            destinations: [c, rest]
            order: sequence
            timeout: 1s
            deadline: 1s
            grace: 100ms
          steady:
            command: [sh, -c, "echo begin >> \(log); sleep 1.5"]
            destinations: [c, rest]
            order: sequence
            timeout: 20s
          second:
            command: [sh, -c, "echo begin >> \(log); case $(grep -c begin \(log)) in 2) sleep 600;; esac"]
            destinations: [c, rest]
            order: sequence
            timeout: 700s
            grace: 100ms

        """

    private static let hooks =
        DeliveryTests.hook("rolling", "parameters: {tag: {payload: /tag}, at: {payload: /at}, code: {payload: /code}}")
        + DeliveryTests.hook("slow") + DeliveryTests.hook("short") + DeliveryTests.hook("second") + DeliveryTests.hook("steady")

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs.replacingOccurrences(of: " &none", with: ""), hooks: Self.hooks, start: false)
        let file = bed.box.appending(path: "executor.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let host = "address: 127.0.0.1, port: \(bed.server.port), user: \(NSUserName()), identity: deploy"
        try text.replacingOccurrences(
            of: "jobs:\n",
            with: "  a: { \(host) }\n  b: { \(host) }\n  c: { \(host) }\ngroups: { rest: [b, a] }\njobs:\n"
        ).write(to: file, atomically: true, encoding: .utf8)
        try bed.start()
        try? FileManager.default.removeItem(atPath: Self.log)
    }

    private var lines: [String] {
        (try? String(contentsOfFile: Self.log, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    }

    private func deliver(_ hook: String, _ body: String = "{}", event: String? = nil, attempt: Int = 1) throws -> HookAnswer {
        try bed.deliver(body, hook: hook, event: event, attempt: attempt, signature: nil, token: nil)
    }

    private func parts(_ json: [String: Any], _ key: String) -> [String] {
        (json["destinations"] as? [[String: Any]] ?? []).map { $0[key] as? String ?? "" }
    }

    @Test func `each runs when the one before it has succeeded, and never two at once`() throws {
        let answer = try deliver("rolling", #"{"tag":"x","at":"0","code":"0"}"#)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(parts(answer.json, "destination") == ["c", "b", "a"])
        #expect(lines == ["x begin", "x end", "x begin", "x end", "x begin", "x end"])
    }

    @Test func `at the first that fails it stops, and the others have a result that says so, the stored one too`() throws {
        let answer = try deliver("rolling", #"{"tag":"x","at":"2","code":"3"}"#, event: "evt_seq")
        #expect(answer.status == 500)
        #expect(answer["status"] == "failed")
        #expect(answer["reason"] == "exit-code")
        #expect(answer.exitCode == 3)
        #expect(parts(answer.json, "status") == ["succeeded", "failed", "failed"])
        #expect(parts(answer.json, "reason") == ["", "exit-code", "not-tried"])
        #expect(parts(answer.json, "error").last?.contains("not tried: b, which comes before it, did not succeed") == true)
        let again = try deliver("rolling", #"{"tag":"x","at":"2","code":"3"}"#, event: "evt_seq")
        #expect(again.isDuplicate)
        #expect(parts(again.json, "reason") == ["", "exit-code", "not-tried"])
        #expect(lines.filter { $0.hasSuffix("begin") }.count == 2)
    }

    @Test func `another attempt runs the one that failed and those behind it, and not the one before`() throws {
        let answer = try deliver("rolling", #"{"tag":"x","at":"2","code":"75"}"#)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json["attempts"] as? Int == 2)
        // c, b fails, b again, a.
        #expect(lines == ["x begin", "x end", "x begin", "x begin", "x end", "x begin", "x end"])
    }

    @Test func `a cancel ends the one that runs and keeps the others from being tried`() throws {
        let bed = bed
        let answer = Background { try bed.deliver("{}", hook: "slow", event: nil, signature: nil, token: nil) }
        #expect(eventually { lines.count == 1 })
        let id = try #require(try bed.jobs().first?["job"] as? String)
        let socket = bed.box.appending(path: "run/admin.sock").path
        #expect(try Command.run(try TestBed.binary("sallyport"), ["jobs", "cancel", id, "--socket", socket]).code == 0)
        let json = try answer.value.json
        #expect(parts(json, "reason") == ["cancelled", "not-tried", "not-tried"], "\(json)")
        #expect(lines.count == 1)
    }

    @Test func `a deadline that comes between two turns keeps the rest from being tried`() throws {
        let answer = try deliver("short")
        #expect(answer.status == 504, "\(answer.text)")
        #expect(parts(answer.json, "status").allSatisfy { $0 != "" })
        #expect(parts(answer.json, "status").last == "failed")
        #expect(["not-tried", "timeout"].contains(parts(answer.json, "reason").last))
        #expect(lines.count <= 2)
    }

    @Test func `an executor that is told to stop begins no other turn, and the next one goes on where it was`() throws {
        let bed = bed
        let answer = Background { try bed.deliver("{}", hook: "steady", signature: nil, token: nil) }
        try #require(eventually { lines.count == 1 })
        #expect(bed.executor.stop(SIGTERM, within: 20) == 0)
        #expect(lines.count == 1)
        try bed.executor.start()
        #expect(try answer.value.status == 200)
        #expect(lines.count == 3)
    }

    @Test func `after kill -9 of the executor the result says which has run, which is unknown and which was not tried`() throws {
        let bed = bed
        _ = Background { try bed.deliver("{}", hook: "second", event: "evt_cut", signature: nil, token: nil) }
        #expect(eventually { lines.count == 2 })
        kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
        #expect(
            try eventually(within: 30) { try bed.jobs().first?["status"] as? String == "unknown" })
        let stored = try deliver("second", event: "evt_cut", attempt: 2)
        #expect(stored["status"] == "unknown")
        #expect(parts(stored.json, "status") == ["succeeded", "unknown", "failed"], "\(stored.text)")
        #expect(parts(stored.json, "reason") == ["", "outcome-unknown", "not-tried"])
        #expect(lines.count == 2)
    }
}
