import Foundation
import TestSupport

/// Compares what senders were told with what the journal says and with what the host wrote down.
struct SoakChecker {
    /// A line of the table.
    private struct Line {
        var deliveries: Set<String> = []
        var sent = 0
        var repeats = 0
        var accepted: Set<String> = []
        /// Accepted ones by how often their command began: never, once, more often.
        var ran = [0, 0, 0]
        /// Not answered 2xx, and run all the same.
        var ranUntold = 0
        var states: [String: Int] = [:]
        var disagreements = 0
    }

    /// How often each delivery's command began and came to its end, as the host has it.
    private struct Host {
        var begun: [String: Int] = [:]
        var ended: [String: Int] = [:]
        /// Lines that another host wrote than the one whose key is pinned.
        var foreign: [String] = []

        init(_ file: String) throws {
            for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                if words.first == "begin", words.count > 1 {
                    begun[words[1], default: 0] += 1
                    if words.count != 3 || words[2] != "right" { foreign.append(String(line)) }
                } else if words.first == "end", words.count > 1 {
                    ended[words[1], default: 0] += 1
                } else {
                    foreign.append(String(line))
                }
            }
        }
    }

    private struct Job {
        let id: String
        let state: String
        let reason: String
        let attempts: Int

        init(_ json: [String: Any]) {
            id = json["job"] as? String ?? ""
            state = json["status"] as? String ?? ""
            reason = json["reason"] as? String ?? ""
            attempts = json["attempts"] as? Int ?? 0
        }
    }

    private static let final: Set = ["succeeded", "failed", "unknown", "dead", "timed-out"]
    /// Reasons that say for certain that the command did not start.
    private static let notStarted: Set = ["unreachable", "host-key", "authentication", "busy"]

    private var lines: [String: Line] = [:]
    private var reasons: [String: Int] = [:]
    /// What does not agree, each in words.
    private(set) var disagreements: [String] = []

    /// - Parameters:
    ///   - repeatable: hooks whose job may run more than once, as often as the journal says that it was tried.
    ///   - file: what the host wrote.
    init(
        _ answers: [SoakAnswer], journal: [String: [[String: Any]]], file: String, hooks: [String], repeatable: Set<String>
    ) throws {
        let host = try Host(file)
        for line in host.foreign { disagreements.append("written by another host, or torn: \(line)") }
        let events = journal.mapValues { $0.map(Job.init) }
        let jobs = Dictionary(events.values.joined().map { ($0.id, $0) }) { first, _ in first }
        for hook in hooks { lines[hook] = Line() }
        let deliveries = Dictionary(grouping: answers, by: \.id)
        for (id, told) in deliveries.sorted(by: { $0.key < $1.key }) {
            let hook = told[0].hook
            var line = lines[hook] ?? Line()
            let own = events["evt_\(id)"] ?? []
            let ran = host.begun[id, default: 0]
            line.deliveries.insert(id)
            line.sent += told.count
            line.repeats += told.count(where: \.isRepeat)
            if told.contains(where: { $0.status / 100 == 2 }) {
                line.accepted.insert(id)
                line.ran[min(ran, 2)] += 1
            } else if ran > 0 {
                line.ranUntold += 1
            }
            for job in own {
                line.states[job.state, default: 0] += 1
                if !job.reason.isEmpty { reasons["\(job.state) (\(job.reason))", default: 0] += 1 }
            }
            var wrong = Self.compare(told, own, jobs)
            wrong += Self.compare(own, ran: ran, ended: host.ended[id, default: 0], isRepeatable: repeatable.contains(hook))
            line.disagreements += wrong.count
            for text in wrong {
                let answers = told.map { "\($0.attempt)\($0.isRepeat ? "r" : "")→\($0.status) \($0.state ?? "") \($0.job ?? "")" }
                let known = own.map { "\($0.id) \($0.state) (\($0.reason)) \($0.attempts)×" }
                disagreements.append("\(hook) \(id): \(text); told \(answers), journal \(known), began \(ran)")
            }
            lines[hook] = line
        }
        for id in host.begun.keys where deliveries[id] == nil { disagreements.append("\(id) ran and was never sent") }
        for event in events.keys where deliveries[String(event.dropFirst(4))] == nil {
            disagreements.append("\(event) is in the journal and was never sent")
        }
    }

    /// What the senders of one delivery were told, and its jobs.
    private static func compare(_ told: [SoakAnswer], _ own: [Job], _ jobs: [String: Job]) -> [String] {
        var wrong: [String] = []
        if told.contains(where: { $0.status / 100 == 2 }), own.allSatisfy({ $0.state == "refused" }) {
            wrong.append("answered 2xx and not in the journal")
        }
        for answer in told {
            guard let id = answer.job, let state = answer.state, final.contains(state) else {
                if answer.status == 200 { wrong.append("answered 200 without a result") }
                continue
            }
            if (answer.status == 200) != (state == "succeeded") { wrong.append("\(state) was answered \(answer.status)") }
            if jobs[id]?.state != state { wrong.append("told \(state), the journal has \(jobs[id]?.state ?? "no such job")") }
        }
        // One that repeats an attempt is never a job of its own.
        let attempts = Set(told.map(\.attempt)).count
        let begun = own.count { $0.state != "refused" }
        if begun > attempts { wrong.append("\(begun) jobs for \(attempts) attempts") }
        return wrong
    }

    /// The jobs of one delivery, and what the host has of it.
    private static func compare(_ own: [Job], ran: Int, ended: Int, isRepeatable: Bool) -> [String] {
        var wrong: [String] = []
        var (least, most, succeeded) = (0, 0, 0)
        for job in own {
            let attempts = isRepeatable ? max(job.attempts, 1) : 1
            switch (job.state, job.reason) {
            case ("succeeded", _):
                least += 1
                most += attempts
                succeeded += 1
            case ("unknown", _): most += attempts
            case ("dead", let reason) where isRepeatable:
                most += attempts
                least += reason == "exit-code" ? 1 : 0
            case ("failed", let reason) where notStarted.contains(reason): break
            case ("refused", let reason) where ["busy", "expired"].contains(reason): break
            default: wrong.append("ended \(job.state) (\(job.reason))")
            }
        }
        if ran < least { wrong.append("ran \(ran) times, at least \(least) are said") }
        if ran > most { wrong.append("ran \(ran) times, at most \(most) are said") }
        if ran > 1, !isRepeatable { wrong.append("ran \(ran) times") }
        if ended < succeeded || ended > ran { wrong.append("began \(ran), ended \(ended), \(succeeded) succeeded") }
        return wrong
    }

    /// How many jobs ended in that state, of all hooks.
    func count(_ state: String) -> Int { lines.values.reduce(0) { $0 + $1.states[state, default: 0] } }

    /// Deliveries that were sent more than once with an attempt that must not run again.
    var repeats: Int { lines.values.reduce(0) { $0 + $1.repeats } }

    func accepted(_ hook: String) -> Int { lines[hook]?.accepted.count ?? 0 }

    /// By hook, and why jobs did not succeed.
    var table: String {
        let heads = [
            "hook", "deliveries", "sent", "repeats", "2xx", "ran 0", "ran 1", "ran 2+", "not 2xx, ran", "succeeded", "failed",
            "unknown", "dead", "refused", "disagree",
        ]
        let rows = lines.sorted { $0.key < $1.key }.map { hook, line in
            let numbers =
                [line.deliveries.count, line.sent, line.repeats, line.accepted.count] + line.ran + [line.ranUntold]
                + ["succeeded", "failed", "unknown", "dead", "refused"].map { line.states[$0, default: 0] }
                + [line.disagreements]
            return [hook] + numbers.map(String.init)
        }
        let widths = heads.indices.map { column in ([heads] + rows).map { $0[column].count }.max() ?? 0 }
        let text = ([heads] + rows).map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }
        let why = reasons.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return (text + ["jobs that did not succeed: \(why.isEmpty ? "none" : why)"]).joined(separator: "\n")
    }
}
