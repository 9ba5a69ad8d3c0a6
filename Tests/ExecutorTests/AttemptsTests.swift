import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Executor

@Suite struct AttemptsTests {
    private func job(_ retry: String, _ more: String = "") throws -> JobPolicy {
        try Samples.job("command: [/bin/a], destinations: [web-1, web-2], timeout: 1s, retry: {\(retry)}\(more)")
    }

    private func plan(_ job: JobPolicy) -> Policy.Plan {
        Policy.Plan(
            job: job,
            runs: ["web-1", "web-2"].map { Policy.Run(destination: $0, arguments: [], environment: [], identity: nil) },
            lane: nil,
            input: nil)
    }

    private func result(_ name: String, _ status: WireJobStatus, _ reason: WireReason) -> WireDestinationResult {
        .with {
            $0.destination = name
            $0.status = status
            $0.reason = reason
        }
    }

    private func unreachable(_ attempts: inout Attempts) { attempts.take([result("web-1", .failed, .unreachable)]) }

    @Test func `there are as many attempts as the job allows, and then a dead letter`() throws {
        let job = try job("attempts: 3, backoff: 1s")
        var attempts = Attempts()
        unreachable(&attempts)
        #expect(attempts.next(job, left: nil, jitter: 1) == .again(after: .seconds(1)))
        #expect(attempts.number == 2)
        #expect(attempts.next(job, left: nil, jitter: 1) == .again(after: .seconds(2)))
        #expect(attempts.next(job, left: nil, jitter: 1) == .dead)
        #expect(attempts.number == 3)
    }

    @Test func `a job without retries just ends`() throws {
        var attempts = Attempts()
        unreachable(&attempts)
        #expect(attempts.next(try job("attempts: 1"), left: nil, jitter: 1) == .end)
    }

    @Test func `the back-off doubles up to its maximum, whatever the attempt`() throws {
        let retry = try job("attempts: 50, backoff: 2s, max-backoff: 5m").retry
        let waits = (1...50).map { Attempts.backoff(retry, after: UInt32($0)) }
        #expect(waits.prefix(4) == [.seconds(2), .seconds(4), .seconds(8), .seconds(16)])
        #expect(waits.allSatisfy { $0 <= .seconds(300) })
        #expect(waits.last == .seconds(300))
    }

    @Test func `the wait is anywhere between nothing and the back-off`() throws {
        let job = try job("attempts: 9, backoff: 8s")
        for (jitter, wait) in [(0.0, 0), (0.5, 4), (1.0, 8)] {
            var attempts = Attempts()
            unreachable(&attempts)
            #expect(attempts.next(job, left: nil, jitter: jitter) == .again(after: .seconds(wait)))
        }
    }

    @Test func `an attempt that would begin at the deadline or after it is not waited for`() throws {
        let job = try job("attempts: 9, backoff: 8s", ", deadline: 1m")
        var attempts = Attempts()
        unreachable(&attempts)
        #expect(attempts.next(job, left: .seconds(8), jitter: 1) == .dead)
        #expect(attempts.next(job, left: .milliseconds(8001), jitter: 1) == .again(after: .seconds(8)))
    }

    @Test func `only what may be made good runs again`() throws {
        let job = try job("attempts: 3, exit-codes: [75]")
        var attempts = Attempts()
        #expect(attempts.open(plan(job)).map(\.destination) == ["web-1", "web-2"])
        attempts.take([result("web-1", .succeeded, .unspecified), result("web-2", .failed, .unreachable)])
        #expect(attempts.open(plan(job)).map(\.destination) == ["web-2"])
        var asked = result("web-2", .failed, .exitCode)
        asked.exitCode = 75
        attempts.take([asked])
        #expect(attempts.open(plan(job)).map(\.destination) == ["web-2"])
        asked.exitCode = 1
        attempts.take([asked])
        #expect(attempts.open(plan(job)).isEmpty)
        #expect(attempts.next(job, left: nil, jitter: 1) == .end)
        // After a restart it goes on with what the journal kept.
        let restored = Attempts(number: 2, results: [result("web-1", .succeeded, .unspecified)])
        #expect(restored.open(plan(job)).map(\.destination) == ["web-2"])
    }

    @Test func `what was cut off runs again only where the job says so, and not for ever`() throws {
        var attempts = Attempts()
        attempts.take([result("web-1", .unknown, .outcomeUnknown)])
        #expect(attempts.next(try job("attempts: 9"), left: nil, jitter: 0) == .end)
        let job = try job("attempts: 1", ", interrupted: retry")
        for _ in 0..<Attempts.maximumInterruptions {
            #expect(attempts.next(job, left: nil, jitter: 0) == .again(after: .zero))
        }
        #expect(attempts.next(job, left: nil, jitter: 0) == .end)
    }

    @Test func `what did not begin after an attempt whose end nobody knows is not known either, until one has run`() throws {
        let plan = plan(try job("attempts: 3"))
        var attempts = Attempts()
        attempts.take([result("web-1", .unknown, .outcomeUnknown), result("web-2", .succeeded, .unspecified)])
        attempts.take([result("web-1", .failed, .unreachable)])
        #expect(attempts.results(plan).map(\.status) == [.unknown, .succeeded])
        #expect(attempts.results(plan).first?.error.hasPrefix("how an attempt before ended is not known; then: ") == true)
        attempts.take([result("web-1", .failed, .exitCode)])
        attempts.take([result("web-1", .failed, .busy)])
        #expect(attempts.results(plan).map(\.reason) == [.busy, .unspecified])
    }
}
