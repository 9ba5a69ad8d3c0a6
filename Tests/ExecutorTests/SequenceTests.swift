import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

@testable import Executor

/// Destinations one after the other, as far as it can be told without running anything.
@Suite struct SequenceTests {
    private func job(_ more: String) throws -> JobPolicy {
        try Samples.job("command: [/bin/a], destinations: [web-2, web-1, db-1], timeout: 1s, \(more)")
    }

    private func plan(_ more: String) throws -> Policy.Plan {
        let job = try job(more)
        return Policy.Plan(
            job: job,
            runs: job.destinations.map { Policy.Run(destination: $0, arguments: [], environment: [], identity: nil) }, lane: nil,
            input: nil)
    }

    private func result(_ name: String, _ status: WireJobStatus, _ reason: WireReason = .unspecified) -> WireDestinationResult {
        .with { ($0.destination, $0.status, $0.reason) = (name, status, reason) }
    }

    private func open(_ attempts: Attempts, _ plan: Policy.Plan) -> [String] { attempts.open(plan).map(\.destination) }

    @Test func `a sequence is said in words, groups stand in their own order, and it is part of the policy's digest`() throws {
        let stops = try Samples.policy("deploy: {command: [/bin/a], destinations: [db-1, web], timeout: 1s, order: sequence}")
        let words = try #require(stops.jobs["deploy"]?.words)
        #expect(
            words.contains("on db-1, web-1, web-2, one after the other, and no further after one that did not succeed"),
            "\(words)")
        let goesOn = try job("order: sequence, on-failure: continue")
        #expect(goesOn.words.contains("one after the other, whatever each comes to"))
        #expect(try job("order: parallel").order == .parallel)
        let parallel = try Samples.policy("deploy: {command: [/bin/a], destinations: [db-1, web], timeout: 1s}")
        #expect(parallel.digest != stops.digest)
    }

    @Test(arguments: [
        ("on-failure: stop", "all run at once"), ("order: parallel, on-failure: continue", "all run at once"),
        ("order: sequence, destination: caller", "no order"), ("order: backwards", "parallel, sequence"),
    ])
    func `an order that cannot be is refused`(more: String, text: String) {
        let error = #expect(throws: (any Error).self) { try job(more) }
        #expect("\(String(describing: error))".contains(text), "\(String(describing: error))")
    }

    @Test func `another attempt runs what failed and what was not tried, in order, and not what succeeded`() throws {
        let plan = try plan("order: sequence, retry: {attempts: 3}")
        var attempts = Attempts()
        #expect(open(attempts, plan) == ["web-2", "web-1", "db-1"])
        attempts.take([
            result("web-2", .succeeded), result("web-1", .failed, .unreachable), JobOutcome.notTried("db-1", "web-1 failed"),
        ])
        #expect(attempts.next(plan.job, left: nil, jitter: 0) == .again(after: .zero))
        #expect(open(attempts, plan) == ["web-1", "db-1"])
    }

    @Test(arguments: [(WireJobStatus.failed, WireReason.exitCode), (.timedOut, .timeout), (.unknown, .outcomeUnknown)])
    func `behind one that failed for good nothing runs, and there is no other attempt`(
        status: WireJobStatus, reason: WireReason
    ) throws {
        let plan = try plan("order: sequence, retry: {attempts: 3}")
        var attempts = Attempts()
        attempts.take([result("web-2", status, reason), JobOutcome.notTried("web-1", ""), JobOutcome.notTried("db-1", "")])
        #expect(attempts.next(plan.job, left: nil, jitter: 0) == .end)
        #expect(open(attempts, plan).isEmpty)
    }

    @Test func `a sequence that goes on tries the others, and again only what may be made good`() throws {
        let plan = try plan("order: sequence, on-failure: continue, retry: {attempts: 3}")
        var attempts = Attempts()
        attempts.take([result("web-2", .failed, .exitCode), result("web-1", .failed, .unreachable), result("db-1", .succeeded)])
        #expect(open(attempts, plan) == ["web-1"])
    }

    @Test func `what was not tried is no success, and the job says what kept it from being tried`() {
        let untried = JobOutcome.notTried("db-1", "web-1 failed")
        #expect(JobOutcome.job([result("web-1", .succeeded), untried]).status == .failed)
        let ended = JobOutcome.job([untried, result("web-1", .failed, .exitCode)])
        #expect(ended.reason == .exitCode)
        #expect(JobNames.name(untried.reason) == "not-tried")
    }

    @Test func `while one has its turn the journal has those before it, and that those behind it are not tried`() throws {
        let plan = try plan("order: sequence, on-failure: continue, retry: {attempts: 3}")
        var attempts = Attempts()
        attempts.take([result("web-2", .succeeded)])
        let known = attempts.results(plan, while: plan.runs[1])
        #expect(known.map(\.destination) == ["web-2", "db-1"])
        #expect(known.map(\.reason) == [.unspecified, .notTried])
        // The next executor goes on with it: where the rule allows, at the one that was cut off.
        #expect(open(Attempts(number: 2, results: known), plan) == ["web-1", "db-1"])
        // In a later attempt what an earlier one came to is no word on the one that runs.
        attempts.take([result("web-1", .failed, .unreachable), JobOutcome.notTried("db-1", "")])
        #expect(attempts.results(plan, while: plan.runs[1]).map(\.destination) == ["web-2", "db-1"])
    }

    @Test func `a sequence that was cut off says which destination is unknown and which were not tried`() async throws {
        let folder = try TemporaryFolder()
        let journal = try Samples.journal("\(folder.path)/journal.db")
        let request = Samples.event("e1")
        _ = try await journal.claim(Samples.claim(request, at: Samples.now, body: nil))
        let plan = try plan("order: sequence")
        var job = RunningJob(request: request, body: nil, plan: plan, acceptedAt: Samples.now)
        #expect(job.starts.count == 1)
        job.take([result("web-2", .succeeded)])
        try await journal.advance(request.jobID, attempt: 1, job.progress(while: plan.runs[1]), job.ends)
        let stored = try #require(try await journal.find(request.jobID))
        #expect(stored.status == .running)
        #expect(StoredResult.of(stored).status == .running)
        let end = StoredResult.interrupted(stored, plan, status: .unknown, now: Samples.now + 1)
        #expect(end.destinations.map(\.destination) == ["web-2", "web-1", "db-1"])
        #expect(end.destinations.map(\.status) == [.succeeded, .unknown, .failed])
        #expect(end.destinations.map(\.reason) == [.unspecified, .outcomeUnknown, .notTried])
        // The next attempt was cut off in its first turn: what had succeeded before is not touched by it.
        try await journal.postpone(request.jobID, attempt: 2, until: 0, .with { $0.destinations = [result("web-2", .succeeded)] })
        try await journal.mark(request.jobID, .running, attempt: 2)
        let later = try #require(try await journal.find(request.jobID))
        let last = StoredResult.interrupted(later, plan, status: .unknown, now: 1).destinations
        #expect(last.map(\.status) == [.succeeded, .unknown, .failed])
        #expect(last.map(\.reason) == [.unspecified, .outcomeUnknown, .notTried])
    }

    @Test func `a job that ends while it waits, after an attempt whose end nobody knows, is unknown; else it is what ended it`()
        throws
    {
        let request = Samples.event("e2")
        for status in [WireJobStatus.unknown, .failed] {
            var job = RunningJob(request: request, body: nil, plan: try plan("order: sequence"), acceptedAt: Samples.now)
            job.take([result("web-2", status)])
            let cancelled = StoredResult.cancelled(job, now: Samples.now)
            #expect(cancelled.status == status)
            #expect(cancelled.reason == (status == .unknown ? .outcomeUnknown : .cancelled))
            #expect(StoredResult.late(job, now: Samples.now).status == (status == .unknown ? .unknown : .dead))
        }
    }

    @Test func `a next attempt that the policy refuses ends with what the attempts before came to`() async throws {
        let folder = try TemporaryFolder()
        let journal = try Samples.journal("\(folder.path)/journal.db")
        let request = Samples.event("e3")
        _ = try await journal.claim(Samples.claim(request, at: Samples.now, body: nil))
        for (last, status) in [(WireJobStatus.succeeded, WireJobStatus.dead), (.unknown, .unknown)] {
            try await journal.postpone(request.jobID, attempt: 3, until: 0, .with { $0.destinations = [result("web-2", last)] })
            let stored = try #require(try await journal.find(request.jobID))
            let end = StoredResult.refusedLater(
                stored, try #require(stored.progress), Refusal(.parameter, "no such value"), now: Samples.now)
            #expect(end.status == status)
            #expect(end.attempts == 2)
            #expect(end.destinations.map(\.status) == [last])
            #expect(end.error == "the policy of now refuses its next attempt: no such value")
        }
    }
}
