import Foundation
import Glibc
import TestSupport
import Testing

/// kill -9 of the ingress at random, under load, with the executor coming and going.
///
/// `SALLYPORT_KILL_ROUNDS=200 scripts/test --filter SpoolKillTests` for the long version.
@Suite(.serialized, .timeLimit(.minutes(20)))
struct SpoolKillTests {
    private static let rounds = ProcessInfo.processInfo.environment["SALLYPORT_KILL_ROUNDS"].flatMap { Int($0) } ?? 10
    private static let file = "/tmp/sallyport-kills-\(UUID().uuidString.prefix(8))"

    private static let senders = 6
    /// Microseconds between two deliveries of a sender.
    private static let pause: ClosedRange<UInt32> = 5_000...60_000

    private static let jobs = """
          note:
            command: [sh, -c, "echo \\"$1\\" >> \(file)", sh, "{id}"]
            destinations: [web-1]
            parameters: { id: { pattern: "[a-z0-9-]+" } }
            timeout: 20s

        """

    private static let hooks = ["later", "now"].map {
        DeliveryTests.hook(
            $0,
            """
            respond: \($0 == "later" ? "async" : "sync")
                wait: 2s
                when-executor-away: spool
                parameters: { id: { payload: /id } }
            """, job: "note")
    }.joined()

    private let bed: TestBed

    init() throws {
        try? FileManager.default.removeItem(atPath: Self.file)
        bed = try TestBed.spooling(jobs: Self.jobs, hooks: Self.hooks)
    }

    /// How often each delivery ran.
    private var runs: [String: Int] {
        let lines = ((try? String(contentsOfFile: Self.file, encoding: .utf8)) ?? "").split(separator: "\n")
        return Dictionary(lines.map { (String($0), 1) }, uniquingKeysWith: +)
    }

    private func status(_ id: String) throws -> String {
        try Command.run(
            try TestBed.binary("sallyport"),
            ["jobs", "show", "evt_\(id)", "--socket", bed.box.appending(path: "run/admin.sock").path]
        ).output.split(separator: "\n").first { $0.hasPrefix("status") }.map(String.init) ?? "no job"
    }

    @Test func `every delivery that was answered 2xx ran exactly once, every other one at most once`() throws {
        defer { try? FileManager.default.removeItem(atPath: Self.file) }
        try bed.startIngress()
        try bed.executor.start()
        let record = LoadSender.Record()
        let senders = (0..<Self.senders).map {
            LoadSender(name: "d\($0)", port: bed.httpPort, hooks: ["later", "now"], record: record, pause: Self.pause)
        }
        var executorKills = 0
        var tally = KillTally(bed)
        for round in 0..<Self.rounds {
            if round % 10 == 0 { try emptySpool(senders) }
            // The executor is stopped for some rounds, and in one of ten killed: then its supervisor starts another.
            switch round % 10 {
            case 1, 5: bed.executor.stop(SIGTERM, within: 20)
            case 3, 7: if !bed.executor.isRunning { try bed.executor.start() }
            case 9:
                if let pid = bed.process("sallyport-executor run") {
                    kill(pid, SIGKILL)
                    executorKills += 1
                }
            default: break
            }
            usleep(UInt32.random(in: 50_000...400_000))
            let open = inFlight(record)
            bed.ingress.stop(SIGKILL)
            try tally.note(open, duringStart: false)
            if round % 7 == 4 {
                try bed.ingress.start()
                usleep(UInt32.random(in: 0...60_000))
                let open = record.open
                bed.ingress.stop(SIGKILL)
                try tally.note(open, duringStart: open.isEmpty)
            }
            try bed.startIngress()
        }
        for sender in senders { sender.stop() }
        if !bed.executor.isRunning { try bed.executor.start() }
        try #require(
            try eventually(within: 200) {
                try bed.metric("sallyport_executors_connected") == 1 && bed.metric("sallyport_spool_deliveries") == 0
                    && bed.metric("sallyport_requests_pending") == 0
            }, "\(bed.ingress.text.suffix(2000))")
        waitUntilQuiet()
        #expect(tally.underLoad * 4 >= tally.kills * 3, "\(tally)")
        try judge(record.all, executorKills: executorKills)
        print("kill moments: \(tally)")
    }

    /// Waits for an instant at which deliveries are sent and not answered, anywhere on their way; those, or none when there is no such
    /// instant within a second.
    private func inFlight(_ record: LoadSender.Record) -> Set<String> {
        for _ in 0..<1_000 {
            usleep(UInt32.random(in: 0...2_000))
            let open = record.open
            if !open.isEmpty { return open }
        }
        return []
    }

    /// Lets the senders rest until the spool is empty. An ingress that is killed again and again hands over less than it is sent, and
    /// each start checks all that waits: without this the rounds become longer and longer.
    private func emptySpool(_ senders: [LoadSender]) throws {
        for sender in senders { sender.pause(true) }
        defer { for sender in senders { sender.pause(false) } }
        #expect(try eventually(within: 60) { try bed.metric("sallyport_spool_deliveries") == 0 })
    }

    /// Returns when the host has run nothing new for a while.
    private func waitUntilQuiet() {
        var last = -1
        _ = eventually(within: 120) {
            defer { last = runs.count }
            usleep(2_000_000)
            return runs.count == last
        }
    }

    private func judge(_ answers: [String: [Int]], executorKills: Int) throws {
        let runs = runs
        let promised = answers.filter { $0.value.contains { $0 / 100 == 2 } }.map(\.key)
        let twice = answers.keys.filter { runs[$0, default: 0] > 1 }
        #expect(twice.isEmpty, "ran more than once: \(twice)")
        // A command that kill -9 of the executor cut off is `unknown`, and the journal says so.
        let missing = promised.filter { runs[$0] == nil }
        let cutOff = try missing.filter { try status($0).contains("unknown") }
        #expect(missing.count == cutOff.count, "promised and never ran: \(Set(missing).subtracting(cutOff))")
        #expect(executorKills > 0 || cutOff.isEmpty)
        #expect(runs.keys.allSatisfy { answers[$0] != nil })
        #expect(bed.spooled("damaged").isEmpty && bed.spooled("refused").isEmpty && bed.spooled("expired").isEmpty)
        let spooled = bed.ingress.text.components(separatedBy: "delivery spooled").count - 1
        let handedOver = bed.ingress.text.components(separatedBy: "spooled delivery is at the executor").count - 1
        #expect(spooled > 0)
        print(
            "kill figures: rounds \(Self.rounds), executor kills \(executorKills), deliveries \(answers.count), attempts \(answers.values.joined().count), answered 2xx \(promised.count), of them ran once \(promised.count { runs[$0] == 1 }), cut off with the executor \(cutOff.count), not answered 2xx \(answers.count - promised.count), of them ran once \(answers.keys.count { runs[$0] == 1 } - promised.count { runs[$0] == 1 }), ran twice \(twice.count), answered from the spool \(spooled), handed over \(handedOver)"
        )
    }
}
