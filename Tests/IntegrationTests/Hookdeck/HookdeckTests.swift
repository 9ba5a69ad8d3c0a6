import Foundation
import Glibc
import HookdeckStandIn
import JSON
import TestSupport
import Testing

/// From Hookdeck through both gates to a real host and back, with the retry rule that `deploy/hookdeck` sets.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct HookdeckTests {
    private static let file = "/tmp/sallyport-hookdeck-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          runs:
            command: [sh, -c, 'echo "$1" >> \(file); echo ran', runs, "{id}"]
            destinations: [web-1]
            parameters: { id: { pattern: "[a-z0-9-]+" } }
            timeout: 10s
          recovers:
            command: [sh, -c, "echo x >> \(file); [ $(wc -l < \(file)) -ge 3 ]"]
            destinations: [web-1]
            timeout: 10s
          slow:
            command: [sh, -c, "echo x >> \(file); sleep 2; echo ran"]
            destinations: [web-1]
            timeout: 10s
          dead:
            command: [sh, -c, "echo x >> \(file); test -e \(file).good || exit 75"]
            destinations: [web-1]
            timeout: 10s
            retry: { attempts: 2, backoff: 10ms, exit-codes: [75] }

        """

    private static func hook(_ name: String, _ more: String = "respond: sync", job: String? = nil) -> String {
        """
          \(name):
            verify: { hookdeck: { secret: { file: secrets/hookdeck } } }
            job: \(job ?? name)
            \(more)

        """
    }

    private static let id = "parameters: { id: { payload: /id } }"
    private static let hooks =
        hook("runs", id) + hook("manual", "manual-retry: true\n    \(id)", job: "runs")
        + ["recovers", "slow", "dead"].map { hook($0) }.joined()

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: Self.hooks)
        for file in [Self.file, "\(Self.file).good"] { try? FileManager.default.removeItem(atPath: file) }
    }

    private var lines: [String] {
        (try? String(contentsOfFile: Self.file, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    }

    @Test func `an event that succeeds is delivered once, signed and with all of Hookdeck's headers`() throws {
        let hookdeck = try bed.hookdeck("runs")
        let event = try hookdeck.deliver(#"{"id":"first"}"#)
        #expect(event.status == .successful)
        #expect(event.statuses == [200])
        #expect(event.attempts[0].body.contains(#""stdout":"ran\n""#))
        #expect(lines == ["first"])
        // As recorded of a real delivery.
        let names = event.attempts[0].headers.map(\.name)
        #expect(
            names == [
                "Accept", "Idempotency-Key", "Content-Type", "X-Hookdeck-Signature", "X-Hookdeck-EventID", "X-Hookdeck-RequestID",
                "X-Hookdeck-Original-IP", "X-Hookdeck-Verified", "X-Hookdeck-Event-URL", "X-Hookdeck-Source-Name",
                "X-Hookdeck-Connection-Name", "X-Hookdeck-Destination-Name", "X-Hookdeck-Attempt-Count",
                "X-Hookdeck-Attempt-Trigger", "X-Hookdeck-Will-Retry-After",
            ])
        #expect(event.attempts[0].header("x-hookdeck-will-retry-after") == "30")
        // The journal knows it under Hookdeck's id.
        #expect(try bed.command(["jobs", "show", event.id]).code == 0)
    }

    @Test func `a command that fails runs again with each attempt of the rule, until it succeeds`() throws {
        let event = try bed.hookdeck("recovers").deliver("{}")
        #expect(event.status == .successful)
        #expect(event.statuses == [500, 500, 200])
        #expect(event.attempts.map(\.trigger) == [.initial, .automatic, .automatic])
        #expect(event.attempts.compactMap { $0.header("X-Hookdeck-Attempt-Count") } == ["1", "2", "3"])
        #expect(zip(event.pauses, [30, 60]).allSatisfy { $0 >= $1 }, "\(event.pauses)")
        #expect(lines.count == 3)
    }

    @Test func `while the executor is away Hookdeck comes back when it is told to, ever later, and the event runs once`() throws {
        // Whose pauses are the rule's, and not what the ingress said, waits an hour of Hookdeck's.
        let rule = #"{"type":"retry","strategy":"linear","interval":3600000,"count":10,"response_status_codes":["500-599"]}"#
        let hookdeck = try bed.hookdeck("runs", retry: RetryRule(JSONValue.parse(Array(rule.utf8))))
        bed.executor.stop()
        let id = try #require(try hookdeck.receive(Array(#"{"id":"away"}"#.utf8)))
        try #require(eventually(within: 20) { (hookdeck.event(id)?.attempts.count ?? 0) >= 4 })
        try bed.executor.start()
        let event = try hookdeck.settled(id)
        #expect(event.status == .successful)
        #expect(event.statuses.dropLast().allSatisfy { $0 == 503 })
        #expect(event.attempts.prefix(4).compactMap(\.retryAfter).prefix(4) == ["5", "10", "20", "40"])
        for (attempt, pause) in zip(event.attempts, event.pauses) {
            let told = Double(attempt.retryAfter ?? "") ?? .infinity
            #expect(pause >= told && pause < told + 1800, "told \(told), came after \(pause)")
        }
        #expect(lines == ["away"])
    }

    @Test func `an ingress that is killed in the middle of a delivery gets it again, and the command ran once`() throws {
        let hookdeck = try bed.hookdeck("slow")
        let id = try #require(try hookdeck.receive(Array("{}".utf8)))
        try #require(eventually { lines.count == 1 })
        bed.ingress.stop(SIGKILL)
        try #require(eventually(within: 10) { hookdeck.event(id)?.attempts.last?.errorCode == "CONNECTION_REFUSED" })
        try bed.startIngress()
        let event = try hookdeck.settled(id)
        #expect(event.status == .successful, "\(event.statuses)")
        #expect(event.attempts[0].errorCode == "BAD_RESPONSE")
        #expect(event.attempts.last?.body.contains(#""stdout":"ran\n""#) == true)
        #expect(lines.count == 1)
    }

    @Test func `a delivery that takes too long for Hookdeck is joined by the next ones, which get its result; it ran once`()
        throws
    {
        let event = try bed.hookdeck("slow", timeout: 0.5).deliver("{}")
        #expect(event.status == .successful)
        #expect(event.attempts.count > 1)
        #expect(event.attempts.dropLast().allSatisfy { $0.errorCode == "TIMEOUT" })
        #expect(event.attempts.last?.body.contains(#""duplicate":true"#) == true)
        #expect(lines.count == 1)
    }

    @Test func `what needs a person is not tried again, opens an issue, and runs by a bulk retry after the cure`() throws {
        let right = try bed.hookdeckSecret
        let hookdeck = try bed.hookdeck("runs", secret: "another-project's")
        let refused = try hookdeck.deliver(#"{"id":"refused"}"#)
        #expect(refused.statuses == [401])
        #expect(refused.status == .failed)
        #expect(hookdeck.issues == [HookdeckIssue(connection: "deploy", status: 401, errorCode: nil)])
        #expect(try hookdeck.deliver(#"{"other":1}"#).statuses == [401])
        #expect(try bed.hookdeck("no-such-hook").deliver("{}").statuses == [404])
        #expect(try bed.hookdeck("runs").deliver("{}").statuses == [422])
        #expect(try bed.hookdeck("runs").deliver("{").statuses == [400])
        #expect(lines.isEmpty)
        hookdeck.rollSecret(to: right)
        hookdeck.retry(refused.id, trigger: .bulkRetry)
        #expect(try hookdeck.settled(refused.id).statuses == [401, 200])
        #expect(lines == ["refused"])
    }

    @Test func `a rotation of the secret refuses nothing: the second header first, then the first, then without the second`()
        throws
    {
        let hookdeck = try bed.hookdeck("runs")
        hookdeck.rollSecret(to: "the-new-secret-of-this-project")
        let old = try hookdeck.deliver(#"{"id":"by-the-second"}"#)
        #expect(old.statuses == [200])
        #expect(old.attempts[0].header("X-Hookdeck-Signature-2") != nil)
        try "the-new-secret-of-this-project".write(
            to: bed.box.appending(path: "secrets/hookdeck"), atomically: false, encoding: .utf8)
        #expect(try bed.reload("done"))
        #expect(try hookdeck.deliver(#"{"id":"by-the-first"}"#).statuses == [200])
        hookdeck.expirePreviousSecret()
        let new = try hookdeck.deliver(#"{"id":"alone"}"#)
        #expect(new.statuses == [200])
        #expect(new.attempts[0].header("X-Hookdeck-Signature-2") == nil)
        #expect(lines == ["by-the-second", "by-the-first", "alone"])
    }

    @Test func `of 500 events at eight at once, every tenth delivered twice, each runs once`() throws {
        let hookdeck = try bed.hookdeck("runs", limit: .concurrent(8))
        for number in 1...500 {
            try hookdeck.receive(Array(#"{"id":"event-\#(number)"}"#.utf8), copies: number.isMultiple(of: 10) ? 2 : 1)
        }
        try #require(
            eventually(within: 120) {
                let events = hookdeck.events
                return events.allSatisfy(\.isSettled) && events.reduce(0) { $0 + $1.attempts.count } >= 550
            })
        #expect(hookdeck.events.allSatisfy { $0.status == .successful })
        #expect(Set(lines).count == 500)
        #expect(lines.count == 500)
        #expect(hookdeck.mostInFlight == 8)
        let twice = hookdeck.events.filter { $0.attempts.count { $0.trigger == .initial } == 2 }
        #expect(twice.count == 50)
        #expect(twice.allSatisfy { Set($0.attempts.compactMap { $0.header("X-Hookdeck-EventID") }).count == 1 })
    }

    @Test func `a manual retry of what succeeded gets the stored result, or runs again where the hook says so`() throws {
        for (hook, runs) in [("runs", 1), ("manual", 2)] {
            let hookdeck = try bed.hookdeck(hook)
            let event = try hookdeck.deliver(#"{"id":"\#(hook)"}"#)
            hookdeck.retry(event.id)
            let again = try hookdeck.settled(event.id)
            #expect(again.statuses == [200, 200])
            let last = try #require(again.attempts.last)
            #expect(last.trigger == .manual)
            #expect(last.body.contains(#""duplicate":true"#) == (runs == 1))
            #expect(lines.count { $0 == hook } == runs)
            // A replay has a new id and the same body.
            let replayed = try hookdeck.settled(try #require(try hookdeck.replay(event.id)))
            #expect(replayed.id != event.id && replayed.statuses == [200])
            #expect(lines.count { $0 == hook } == runs)
        }
    }

    @Test func `what is held while the connection is paused is delivered afterwards`() throws {
        let hookdeck = try bed.hookdeck("runs")
        hookdeck.pause()
        let id = try #require(try hookdeck.receive(Array(#"{"id":"held"}"#.utf8)))
        usleep(200_000)
        #expect(hookdeck.event(id)?.status == .hold)
        #expect(lines.isEmpty)
        hookdeck.unpause()
        let event = try hookdeck.settled(id)
        #expect(event.attempts.map(\.trigger) == [.unpause])
        #expect(lines == ["held"])
    }

    @Test func `an event that is given up is a dead letter here and an issue there; a replay cures both without another run`()
        throws
    {
        // The whole rule, eight and a half hours of it.
        let hookdeck = try bed.hookdeck("dead", speed: 5_000)
        let event = try hookdeck.deliver("{}", within: 60)
        #expect(event.status == .failed)
        #expect(event.statuses == Array(repeating: 500, count: 11))
        #expect(event.attempts.last?.header("X-Hookdeck-Will-Retry-After") == nil)
        #expect(hookdeck.issues == [HookdeckIssue(connection: "deploy", status: 500, errorCode: nil)])
        // Each of Hookdeck's attempts was tried twice here.
        #expect(lines.count == 22)
        let listed = try bed.command(["dead-letters", "list", "--json"]).output.split(separator: "\n")
        let newest = try #require(try bed.jobs(["--limit", "1"]).first?["job"] as? String)
        #expect(listed.contains { $0.contains(newest) })
        try #require(FileManager.default.createFile(atPath: "\(Self.file).good", contents: nil))
        let replayed = try bed.command(["dead-letters", "replay", newest])
        #expect(replayed.code == 0, "\(replayed.errors)")
        #expect(try eventually { try bed.jobs(["--limit", "1"]).first?["status"] as? String == "succeeded" })
        #expect(lines.count == 23)
        hookdeck.retry(event.id)
        let cured = try hookdeck.settled(event.id)
        #expect(cured.status == .successful)
        #expect(cured.attempts.last?.body.contains(#""duplicate":true"#) == true)
        #expect(lines.count == 23)
    }
}
