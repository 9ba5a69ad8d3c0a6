import Foundation
import TestSupport
import Testing

/// That the soak's checker sees each kind of disagreement, and lets pass what is honest.
struct SoakCheckerTests {
    private static func told(
        _ status: Int, _ state: String?, job: String? = "j1", attempt: Int = 1, matter: SoakAnswer.Matter = .delivery,
        hook: String = "once", id: String = "d0-1", at times: (Double, Double) = (0, 0)
    ) -> SoakAnswer {
        SoakAnswer(
            id: id, hook: hook, matter: matter, attempt: attempt, status: status, job: job, state: state, sentAt: times.0,
            toldAt: times.1)
    }

    private static func job(_ state: String, _ reason: String = "", id: String = "j1", attempts: Int = 1, origin: String = "")
        -> [String: Any]
    {
        ["job": id, "status": state, "reason": reason, "attempts": attempts, "origin": origin]
    }

    /// What is found when one delivery was told this, has these jobs, and the hosts wrote these lines.
    private func found(
        _ told: [SoakAnswer], _ jobs: [[String: Any]], _ lines: [String], of id: String = "d0-1",
        details: [String: [String: Any]] = [:], cancelled: Set<String> = [], replays: [SoakReplay] = [],
        outages: SoakChecker.SoakOutages = .init()
    ) throws -> [String] {
        let events = jobs.isEmpty ? [:] : ["evt_\(id)": jobs]
        return try checker(told, events, lines, details, cancelled, replays, outages).disagreements
    }

    private func checker(
        _ told: [SoakAnswer], _ events: [String: [[String: Any]]], _ lines: [String], _ details: [String: [String: Any]] = [:],
        _ cancelled: Set<String> = [], _ replays: [SoakReplay] = [], _ outages: SoakChecker.SoakOutages = .init()
    ) throws -> SoakChecker {
        let folder = try TemporaryFolder()
        let file = try folder.write("record", lines.map { $0 + "\n" }.joined())
        return SoakChecker(
            SoakChecker.Evidence(
                answers: told, replays: replays, cancelled: cancelled, journal: events, details: details,
                hosts: try SoakHostRecord(file), outages: outages))
    }

    private let run = ["begin d0-1 right", "end d0-1 right"]

    @Test func `what ran once, never ran, or is unknown, and is said so, agrees`() throws {
        #expect(try found([Self.told(200, "succeeded")], [Self.job("succeeded")], run).isEmpty)
        #expect(try found([Self.told(202, "accepted")], [Self.job("failed", "unreachable")], []).isEmpty)
        for lines in [[], ["begin d0-1 right"], run] {
            #expect(try found([Self.told(500, "unknown")], [Self.job("unknown", "outcome-unknown")], lines).isEmpty)
        }
        #expect(try found([Self.told(0, nil, job: nil)], [], []).isEmpty)
        let twice = [Self.told(502, "failed"), Self.told(200, "succeeded", job: "j2", attempt: 2)]
        #expect(try found(twice, [Self.job("failed", "host-key"), Self.job("succeeded", id: "j2")], run).isEmpty)
        let again = [Self.told(200, "succeeded", hook: "again")]
        #expect(try found(again, [Self.job("succeeded", attempts: 2)], ["begin d0-1 right", "fail d0-1 right"] + run).isEmpty)
    }

    @Test func `each disagreement is found`() throws {
        let succeeded = [Self.told(200, "succeeded")]
        let done = [Self.job("succeeded")]
        // Answered 2xx and lost; called succeeded and never run, or cut off.
        #expect(try !found([Self.told(202, "accepted")], [], []).isEmpty)
        #expect(try !found(succeeded, done, []).isEmpty)
        #expect(try !found(succeeded, done, ["begin d0-1 right"]).isEmpty)
        // Run twice, also where the journal has two jobs for it, or more often than it was tried.
        #expect(try !found(succeeded, done, run + run).isEmpty)
        let again = succeeded + [Self.told(200, "succeeded", job: "j2", matter: .again)]
        #expect(try !found(again, done + [Self.job("succeeded", id: "j2")], run + run).isEmpty)
        let repeatable = [Self.told(200, "succeeded", hook: "again")]
        #expect(try !found(repeatable, [Self.job("succeeded", attempts: 2)], run + run + run).isEmpty)
        // Said not to have started, and run; not ended.
        for reason in ["unreachable", "host-key"] {
            #expect(try !found([Self.told(502, "failed")], [Self.job("failed", reason)], ["begin d0-1 right"]).isEmpty)
        }
        #expect(try !found([Self.told(202, "accepted")], [Self.job("running")], run).isEmpty)
        // The sender was told another thing than the journal has, or an answer that does not fit its state.
        #expect(try !found([Self.told(500, "unknown")], done, run).isEmpty)
        #expect(try !found([Self.told(200, "unknown")], [Self.job("unknown", "outcome-unknown")], []).isEmpty)
        // On another host than the one that is pinned; never sent.
        #expect(try !found(succeeded, done, ["begin d0-1 other", "end d0-1 other"]).isEmpty)
        #expect(try !found(succeeded, done, ["begin d0-1", "end d0-1"]).isEmpty)
        #expect(try !found(succeeded, done, run + ["begin d9-9 right"]).isEmpty)
    }

    @Test func `who asks after a job is told what the journal has, and never that it is not there`() throws {
        let accepted = [Self.told(202, "accepted")]
        let done = [Self.job("succeeded")]
        #expect(try found(accepted + [Self.told(200, "succeeded", matter: .question)], done, run).isEmpty)
        #expect(try found(accepted + [Self.told(200, "running", matter: .question)], done, run).isEmpty)
        #expect(try !found(accepted + [Self.told(200, "failed", matter: .question)], done, run).isEmpty)
        #expect(try !found(accepted + [Self.told(404, nil, matter: .question)], done, run).isEmpty)
    }

    @Test func `an outcome that was told on a full disk and lost with its executor is allowed, and nothing like it`() throws {
        let told = [Self.told(200, "succeeded", at: (10, 12))]
        let lost = [Self.job("unknown", "outcome-unknown")]
        func outages(_ full: ClosedRange<Double>, _ ends: Double...) -> SoakChecker.SoakOutages {
            .init(full: [full], ends: ends)
        }
        #expect(try found(told, lost, run, outages: outages(11...15, 14)).isEmpty)
        #expect(try checker(told, ["evt_d0-1": lost], run, [:], [], [], outages(11...15, 14)).forgotten == 1)
        // Not full then; not ended, or long after; ended before it was sent.
        #expect(try !found(told, lost, run).isEmpty)
        #expect(try !found(told, lost, run, outages: outages(13...15, 14)).isEmpty)
        #expect(try !found(told, lost, run, outages: outages(11...15)).isEmpty)
        #expect(try !found(told, lost, run, outages: outages(11...15, 9)).isEmpty)
        #expect(try !found(told, lost, run, outages: outages(11...15, 30)).isEmpty)
        // It did not run, or is called something else than unknown.
        #expect(try !found(told, lost, [], outages: outages(11...15, 14)).isEmpty)
        #expect(try !found(told, lost, ["begin d0-1 right"], outages: outages(11...15, 14)).isEmpty)
        #expect(try !found(told, [Self.job("failed", "unreachable")], run, outages: outages(11...15, 14)).isEmpty)
        #expect(try !found(told, [], run, outages: outages(11...15, 14)).isEmpty)
    }

    @Test func `each host of a job has run what is said of it, and in a sequence in its turn`() throws {
        func part(_ host: String, _ state: String, _ reason: String = "") -> [String: Any] {
            ["destination": host, "status": state, "reason": reason]
        }
        let both = run + ["begin d0-1 second", "end d0-1 second"]
        let whole = ["j1": ["status": "succeeded", "destinations": [part("web-1", "succeeded"), part("web-2", "succeeded")]]]
        for hook in ["both", "row"] {
            let told = [Self.told(200, "succeeded", hook: hook)]
            #expect(try found(told, [Self.job("succeeded")], both, details: whole).isEmpty)
            #expect(try !found(told, [Self.job("succeeded")], run, details: whole).isEmpty)
            #expect(try !found(told, [Self.job("succeeded")], both + both, details: whole).isEmpty)
        }
        let mixed = [both[0], both[2], both[1], both[3]]
        #expect(try found([Self.told(200, "succeeded", hook: "both")], [Self.job("succeeded")], mixed, details: whole).isEmpty)
        #expect(try !found([Self.told(200, "succeeded", hook: "row")], [Self.job("succeeded")], mixed, details: whole).isEmpty)
        let half = ["j1": ["destinations": [part("web-1", "succeeded"), part("web-2", "failed", "unreachable")]]]
        let told = [Self.told(502, "failed", hook: "both")]
        #expect(try found(told, [Self.job("failed", "unreachable")], run, details: half).isEmpty)
        #expect(try !found(told, [Self.job("failed", "unreachable")], both, details: half).isEmpty)
    }

    @Test func `what a cancel or a timeout ended is not over later, and nobody else ends a job so`() throws {
        func gone(_ isGone: Bool) -> [String: [String: Any]] {
            [
                "j1": [
                    "destinations": [["destination": "web-1", "status": "failed", "reason": "cancelled", "processGone": isGone]]
                ]
            ]
        }
        let told = [Self.told(202, "accepted", hook: "held"), Self.told(200, "failed", matter: .cancel, hook: "held")]
        let ended = [Self.job("failed", "cancelled")]
        #expect(try found(told, ended, ["begin d0-1 right"], details: gone(true), cancelled: ["j1"]).isEmpty)
        #expect(try found(told, ended, run, details: gone(false), cancelled: ["j1"]).isEmpty)
        #expect(try !found(told, ended, run, details: gone(true), cancelled: ["j1"]).isEmpty)
        #expect(try !found(told, ended, ["begin d0-1 right"], details: gone(true)).isEmpty)
        #expect(try !found(told, [Self.job("succeeded")], run, cancelled: ["j1"]).isEmpty)
        #expect(try !found([Self.told(504, "timed-out")], [Self.job("timed-out", "timeout")], ["begin d0-1 right"]).isEmpty)
    }

    @Test func `a replay is a job of its own, and a token that is not good runs nothing`() throws {
        let replay = Self.job("succeeded", id: "j2", origin: "j1")
        let told = [Self.told(200, "succeeded")]
        #expect(try found(told, [Self.job("succeeded"), replay], run + run, replays: [.init(origin: "j1", new: "j2")]).isEmpty)
        #expect(try !found(told, [Self.job("succeeded"), replay], run, replays: [.init(origin: "j1", new: "j2")]).isEmpty)
        #expect(try !found(told, [Self.job("succeeded")], run, replays: [.init(origin: "j1", new: "j2")]).isEmpty)
        func forged(_ status: Int, _ jobs: [[String: Any]], _ lines: [String]) throws -> [String] {
            try found([Self.told(status, nil, job: nil, hook: "token", id: "d0-8")], jobs, lines, of: "d0-8")
        }
        #expect(try forged(401, [], []).isEmpty)
        #expect(try !forged(202, [Self.job("unknown", "outcome-unknown")], []).isEmpty)
        #expect(try !forged(401, [], ["begin d0-8 right", "end d0-8 right"]).isEmpty)
    }

    @Test func `in a lane nobody overtakes, and nobody begins before another is over`() throws {
        // All of lane a.
        func lane(_ lines: [String], _ states: [String] = ["succeeded", "succeeded"], attempts: Int = 1) throws -> [String] {
            let told = [("d0-2", 0.0), ("d0-4", 2.0)].enumerated().map { index, one in
                Self.told(202, "accepted", job: "j\(index)", hook: "lane", id: one.0, at: (one.1, one.1 + 1))
            }
            let jobs = ["evt_d0-2", "evt_d0-4"].enumerated().map { index, event in
                let reason = states[index] == "dead" ? "exit-code" : ""
                return (event, [Self.job(states[index], reason, id: "j\(index)", attempts: attempts)])
            }
            return try checker(told, Dictionary(uniqueKeysWithValues: jobs), lines.map { "\($0) right" }).disagreements
        }
        let (first, second) = (["begin d0-2", "end d0-2"], ["begin d0-4", "end d0-4"])
        #expect(try lane(first + second).isEmpty)
        #expect(try !lane(second + first).isEmpty)
        #expect(try !lane([first[0], second[0], first[1], second[1]]).isEmpty)
        #expect(try lane([first[0], second[0], first[1], second[1]], ["unknown", "succeeded"]).isEmpty)
        // Between two attempts it keeps its lane; when all are used up it does not.
        let failed = ["begin d0-2", "fail d0-2"]
        #expect(try lane(failed + first + second, attempts: 2).isEmpty)
        #expect(try !lane(failed + second + first, attempts: 2).isEmpty)
        #expect(try lane(failed + second, ["dead", "succeeded"]).isEmpty)
        #expect(try !lane(failed + second + failed, ["dead", "succeeded"], attempts: 2).isEmpty)
    }
}
