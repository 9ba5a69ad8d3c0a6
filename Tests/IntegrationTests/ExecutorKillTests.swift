import Foundation
import Glibc
import TestSupport
import Testing

/// kill -9 of the executor, its supervisor, the SSH workers and sshd at random, with hundreds of jobs accepted and not finished, and
/// thousands in all: what the journal says at the end is compared with what the host has written down.
///
/// `SALLYPORT_EXECUTOR_KILL_ROUNDS=200 scripts/test --filter ExecutorKillTests` for the long version.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct ExecutorKillTests {
    private static let variable = ProcessInfo.processInfo.environment["SALLYPORT_EXECUTOR_KILL_ROUNDS"].flatMap { Int($0) }
    private static let rounds = variable ?? 10
    /// Jobs that are accepted and have not ended, kept up through all rounds; an executor lets one ingress have 512.
    private static let population = variable == nil ? 300 : 500
    private static let file = "/tmp/sallyport-executor-kills-\(UUID().uuidString.prefix(8))"
    /// Name of the job and its `interrupted` rule.
    private static let rules = ["once": "fail", "unsure": "unknown", "again": "retry"]

    private static let jobs = rules.map { name, rule in
        """
          \(name):
            command: [sh, -c, 'echo "begin $1" >> \(file); sleep "0.$(($$ % 5))"; echo "end $1" >> \(file)', sh, "{id}"]
            destinations: [web-1]
            parameters: { id: { pattern: "[a-z0-9-]+" } }
            timeout: 20s
            concurrency: 8
            interrupted: \(rule)

        """
    }.joined()

    private static let hooks = rules.keys.map {
        DeliveryTests.hook(
            $0,
            """
            respond: async
                parameters: { id: { payload: /id } }
            """)
    }.joined()

    private enum Victim: CaseIterable {
        case executor, worker, supervisor, sshd, session
    }

    private let bed: TestBed

    init() throws { bed = try TestBed(jobs: Self.jobs, hooks: Self.hooks) }

    /// How often each delivery's command began and came to its end, as the host has it.
    private struct Host {
        var begun: [Substring: Int] = [:]
        var ended: [Substring: Int] = [:]

        init(_ file: String) throws {
            for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ")
                if words[0] == "begin" { begun[words[1], default: 0] += 1 } else { ended[words[1], default: 0] += 1 }
            }
        }
    }

    @Test func `no accepted job vanishes, none that says fail or unknown runs twice, and the journal agrees with the host`()
        throws
    {
        defer { try? FileManager.default.removeItem(atPath: Self.file) }
        let record = LoadSender.Record()
        let senders = (0..<4).map {
            LoadSender(
                name: "d\($0)", port: bed.httpPort, hooks: Self.rules.keys.sorted(), record: record, pause: 500...4_000)
        }
        var kills: [Victim: Int] = [:]
        var least = Int.max
        for round in 0..<Self.rounds {
            least = min(least, try fill(senders, record))
            // The first rounds take each kind once; a quick version has met them all.
            let victim = round < Victim.allCases.count ? Victim.allCases[round] : Victim.allCases.randomElement() ?? .worker
            // Some are on their way, after the round before; a host that has failed is left alone for a while.
            if try eventually(within: 30, { try strike(victim) }) { kills[victim, default: 0] += 1 }
            usleep(UInt32.random(in: 50_000...600_000))
        }
        for sender in senders { sender.stop() }
        let promised = record.all.filter { $0.value.contains { $0 / 100 == 2 } }.keys
        try #require(try eventually(within: 400) { try bed.unfinished() == 0 }, "\(bed.executor.text.suffix(2000))")
        #expect(eventually(within: 30) { bed.process(Self.file, anywhere: true) == nil })
        #expect(Victim.allCases.allSatisfy { kills[$0, default: 0] > 0 }, "\(kills)")
        let journal = try bed.allJobs()
        let missing = promised.filter { journal["evt_\($0)"] == nil }
        #expect(missing.isEmpty, "accepted and not in the journal: \(missing)")
        let states = try judge(journal)
        print(
            "executor kill figures: rounds \(Self.rounds), kills \(kills.values.reduce(0, +)) \(kills), unfinished jobs at each kill at least \(least), deliveries \(record.all.count), accepted \(promised.count), jobs \(journal.values.joined().count), states \(states)"
        )
    }

    /// Sends until as many jobs wait or run as shall, then goes on sending; how many there are.
    private func fill(_ senders: [LoadSender], _ record: LoadSender.Record) throws -> Int {
        for sender in senders { sender.pause(false) }
        var count = 0
        try #require(
            try eventually(within: 180) {
                // Nobody answers while the executor is on its way.
                count = try bed.unfinished() ?? 0
                return count >= Self.population * 9 / 10
            }, "\(count) jobs; answers \(statuses(record)); \(bed.executor.text.suffix(1000))")
        // A line that is full answers 429; above the mark the senders rest.
        if count > Self.population { for sender in senders { sender.pause(true) } }
        return count
    }

    /// How often senders were told what.
    private func statuses(_ record: LoadSender.Record) -> [Int: Int] {
        Dictionary(record.all.values.joined().map { ($0, 1) }, uniquingKeysWith: +)
    }

    /// Kills it; false when it was not there.
    private func strike(_ victim: Victim) throws -> Bool {
        switch victim {
        case .executor: return bed.process("sallyport-executor run").map { kill($0, SIGKILL) == 0 } ?? false
        case .worker: return bed.processes("sallyport-ssh-worker").randomElement().map { kill($0, SIGKILL) == 0 } ?? false
        case .supervisor:
            bed.executor.stop(SIGKILL)
            usleep(UInt32.random(in: 0...300_000))
            try bed.executor.start()
            return true
        case .sshd:
            let sessions = bed.server.sessions
            bed.server.stop(SIGKILL)
            for pid in sessions { kill(pid, SIGKILL) }
            usleep(UInt32.random(in: 0...300_000))
            try bed.server.start()
            return true
        case .session: return bed.server.sessions.randomElement().map { kill($0, SIGKILL) == 0 } ?? false
        }
    }

    /// Compares each delivery's jobs with the host's record; how many jobs ended in each state.
    private func judge(_ journal: [String: [[String: Any]]]) throws -> [String: Int] {
        let host = try Host(Self.file)
        var states: [String: Int] = [:]
        var wrong: [String] = []
        for (event, jobs) in journal {
            let id = event.dropFirst(4)
            let (begun, ended) = (host.begun[id, default: 0], host.ended[id, default: 0])
            var (most, least, succeeded) = (0, 0, 0)
            for job in jobs {
                let (name, status) = (job["name"] as? String ?? "", job["status"] as? String ?? "")
                let reason = job["reason"] as? String ?? ""
                states["\(name) \(status)\(status == "succeeded" ? "" : " (\(reason))")", default: 0] += 1
                let attempts = job["attempts"] as? Int ?? 0
                switch (status, reason) {
                case ("succeeded", _):
                    least += 1
                    most += name == "again" ? attempts : 1
                    succeeded += 1
                case ("unknown", "outcome-unknown"), ("failed", "outcome-unknown"): most += name == "again" ? attempts : 1
                case ("failed", "unreachable"), ("failed", "busy"), ("refused", _): break
                default: wrong.append("\(id): \(name) ended \(status) (\(reason))")
                }
            }
            if begun < least || begun > most || ended < succeeded || ended > begun {
                wrong.append(
                    "\(id): began \(begun), ended \(ended), jobs \(jobs.map { ($0["name"], $0["status"], $0["reason"]) })")
            }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(20))")
        #expect(host.begun.keys.allSatisfy { journal["evt_\($0)"] != nil })
        #expect(states.contains { $0.key.contains("succeeded") })
        return states
    }
}
