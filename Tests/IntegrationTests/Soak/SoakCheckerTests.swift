import Foundation
import TestSupport
import Testing

/// That the soak's checker sees each kind of disagreement, and lets pass what is honest.
struct SoakCheckerTests {
    private static func told(_ status: Int, _ state: String?, job: String? = "j1", attempt: Int = 1, isRepeat: Bool = false)
        -> SoakAnswer
    {
        SoakAnswer(id: "d0-1", hook: "once", attempt: attempt, isRepeat: isRepeat, status: status, job: job, state: state)
    }

    private static func job(_ state: String, _ reason: String = "", id: String = "j1", attempts: Int = 1) -> [String: Any] {
        ["job": id, "status": state, "reason": reason, "attempts": attempts]
    }

    /// What is found when one delivery was told this, has these jobs, and the host wrote these lines.
    private func found(_ told: [SoakAnswer], _ jobs: [[String: Any]], _ lines: [String], isRepeatable: Bool = false) throws
        -> [String]
    {
        let folder = try TemporaryFolder()
        let file = try folder.write("record", lines.map { $0 + "\n" }.joined())
        let journal = jobs.isEmpty ? [:] : ["evt_d0-1": jobs]
        return try SoakChecker(
            told, journal: journal, file: file, hooks: ["once"], repeatable: isRepeatable ? ["once"] : []
        ).disagreements
    }

    private let run = ["begin d0-1 right", "end d0-1"]

    @Test func `what ran once, never ran, or is unknown, and is said so, agrees`() throws {
        #expect(try found([Self.told(200, "succeeded")], [Self.job("succeeded")], run).isEmpty)
        #expect(try found([Self.told(202, "accepted")], [Self.job("failed", "unreachable")], []).isEmpty)
        for lines in [[], ["begin d0-1 right"], run] {
            #expect(try found([Self.told(500, "unknown")], [Self.job("unknown", "outcome-unknown")], lines).isEmpty)
        }
        #expect(try found([Self.told(0, nil, job: nil)], [], []).isEmpty)
        let twice = [Self.told(502, "failed"), Self.told(200, "succeeded", job: "j2", attempt: 2)]
        #expect(try found(twice, [Self.job("failed", "host-key"), Self.job("succeeded", id: "j2")], run).isEmpty)
        #expect(
            try found([Self.told(200, "succeeded")], [Self.job("succeeded", attempts: 2)], run + run, isRepeatable: true).isEmpty)
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
        let again = succeeded + [Self.told(200, "succeeded", job: "j2", isRepeat: true)]
        #expect(try !found(again, done + [Self.job("succeeded", id: "j2")], run + run).isEmpty)
        #expect(try !found(again, done + [Self.job("succeeded", id: "j2")], run + run, isRepeatable: true).isEmpty)
        #expect(try !found(succeeded, [Self.job("succeeded", attempts: 2)], run + run + run, isRepeatable: true).isEmpty)
        // Said not to have started, and run; not ended.
        for reason in ["unreachable", "host-key"] {
            #expect(try !found([Self.told(502, "failed")], [Self.job("failed", reason)], ["begin d0-1 right"]).isEmpty)
        }
        #expect(try !found([Self.told(202, "accepted")], [Self.job("running")], run).isEmpty)
        // The sender was told another thing than the journal has, or an answer that does not fit its state.
        #expect(try !found([Self.told(500, "unknown")], done, run).isEmpty)
        #expect(try !found([Self.told(200, "unknown")], [Self.job("unknown", "outcome-unknown")], []).isEmpty)
        // On another host than the one that is pinned; never sent.
        #expect(try !found(succeeded, done, ["begin d0-1 other", "end d0-1"]).isEmpty)
        #expect(try !found(succeeded, done, ["begin d0-1", "end d0-1"]).isEmpty)
        #expect(try !found(succeeded, done, run + ["begin d9-9 right"]).isEmpty)
    }
}
