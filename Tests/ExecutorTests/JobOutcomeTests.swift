import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Executor

@Suite struct JobOutcomeTests {
    private let job: JobPolicy

    init() throws {
        job = try Samples.job("command: [/bin/true], destinations: [web-1], timeout: 1s, success-exit-codes: [0, 3]")
    }

    private func destination(_ change: (inout WireLeaseFinished) -> Void) -> WireDestinationResult {
        JobOutcome.destination(Samples.lease, .with(change), job: job, share: 1)
    }

    private func result(_ name: String, _ status: WireJobStatus, _ reason: WireReason = .unspecified) -> WireDestinationResult {
        .with {
            $0.destination = name
            $0.status = status
            $0.reason = reason
            $0.error = "error of \(name)"
        }
    }

    @Test(arguments: [0, 3] as [Int32])
    func `an exit code that the job lists is success`(code: Int32) {
        let result = destination {
            $0.outcome = .exited
            $0.exitCode = code
        }
        #expect(result.status == .succeeded)
        #expect(result.reason == .unspecified)
        #expect(result.hasExitCode && result.exitCode == code)
        #expect(result.error == "")
    }

    @Test(arguments: [
        (1, "exit code 1"), (2, "exit code 2"), (126, "not executable"), (127, "not found"), (128, "exit code 128"),
        (137, "signal 9"),
        (-1, "exit code -1"), (255, "exit code 255"),
    ])
    func `any other is failure, and the text says what it means`(code: Int32, text: String) {
        let result = destination {
            $0.outcome = .exited
            $0.exitCode = code
        }
        #expect(result.status == .failed)
        #expect(result.reason == .exitCode)
        #expect(result.exitCode == code)
        #expect(result.error.contains(text))
    }

    @Test(
        arguments: [
            (.timedOut, .timedOut, .timeout), (.cancelled, .failed, .cancelled), (.notStarted, .failed, .unreachable),
            (.unknown, .unknown, .outcomeUnknown), (.unspecified, .unknown, .outcomeUnknown),
            (.UNRECOGNIZED(42), .unknown, .outcomeUnknown),
        ] as [(WireLeaseOutcome, WireJobStatus, WireReason)])
    func `an outcome without an exit code has none, and only a code makes success`(
        outcome: WireLeaseOutcome, status: WireJobStatus, reason: WireReason
    ) {
        let result = destination {
            $0.outcome = outcome
            $0.exitCode = 0
        }
        #expect(result.status == status)
        #expect(result.reason == reason)
        #expect(!result.hasExitCode)
    }

    @Test(arguments: [WireReason.hostKey, .authentication, .busy, .hostUnsuitable])
    func `a command that did not start has the reason its worker gave`(reason: WireReason) {
        let result = destination {
            $0.outcome = .notStarted
            $0.reason = reason
            $0.error = "because"
        }
        #expect(result.status == .failed)
        #expect(result.reason == reason)
        #expect(result.error == "because")
    }

    @Test func `output and figures are handed on`() {
        let result = destination {
            $0.outcome = .timedOut
            $0.stdout = .init([1, 0xff])
            $0.stderr = .init([2])
            $0.stdoutTotal = 70_000
            $0.stderrTotal = 1
            $0.durationMs = 1234
            $0.groupGone = true
        }
        #expect(result.destination == "web-1")
        #expect([UInt8](result.stdout) == [1, 0xff])
        #expect([UInt8](result.stderr) == [2])
        #expect(result.stdoutTotal == 70_000)
        #expect(result.stderrTotal == 1)
        #expect(result.durationMs == 1234)
        #expect(result.groupGone)
    }

    @Test func `only what surely did not start and may start later is tried again`() {
        let again: Set<WireReason> = [.unreachable, .busy]
        for reason in WireReason.allCases {
            #expect(JobOutcome.mayTryAgain(result("a", .failed, reason), job: job) == again.contains(reason), "\(reason)")
            for status in WireJobStatus.allCases where status != .failed {
                #expect(!JobOutcome.mayTryAgain(result("a", status, reason), job: job), "\(status) \(reason)")
            }
        }
    }

    @Test func `an exit code is tried again only where the job lists it`() throws {
        let job = try Samples.job(
            "command: [/bin/true], destinations: [web-1], timeout: 1s, retry: {attempts: 2, exit-codes: [75]}")
        for code in [0, 1, 74, 75, 76] as [Int32] {
            var failed = result("a", .failed, .exitCode)
            failed.exitCode = code
            #expect(JobOutcome.mayTryAgain(failed, job: job) == (code == 75), "\(code)")
            #expect(!JobOutcome.mayTryAgain(failed, job: self.job), "\(code)")
        }
        var cut = result("a", .unknown, .exitCode)
        cut.exitCode = 75
        #expect(!JobOutcome.mayTryAgain(cut, job: job))
    }

    @Test func `a job succeeds when all destinations did`() {
        let (status, reason, error) = JobOutcome.job([result("a", .succeeded), result("b", .succeeded)])
        #expect(status == .succeeded)
        #expect(reason == .unspecified)
        #expect(error == "")
    }

    @Test(
        arguments: [
            ([.succeeded, .failed], .failed), ([.failed, .timedOut], .timedOut), ([.timedOut, .failed, .unknown], .unknown),
            ([.succeeded, .unknown, .failed], .unknown), ([.timedOut, .succeeded], .timedOut),
        ] as [([WireJobStatus], WireJobStatus)])
    func `a job is as its worst destination, and unknown is the worst`(statuses: [WireJobStatus], expected: WireJobStatus) {
        let results = statuses.enumerated().map { result("host-\($0)", $1, .exitCode) }
        let worst = results.first { $0.status == expected }?.destination ?? ""
        for order in [results, results.reversed()] {
            let (status, _, error) = JobOutcome.job(order)
            #expect(status == expected)
            #expect(error == "\(worst): error of \(worst)")
        }
    }

    @Test func `the error of the only destination does not name it again`() {
        let (status, reason, error) = JobOutcome.job([result("a", .failed, .hostKey)])
        #expect(status == .failed)
        #expect(reason == .hostKey)
        #expect(error == "error of a")
    }
}

@Suite struct HostileWorkerTests {
    private let job: JobPolicy

    init() throws { job = try Samples.job("command: [/bin/true], destinations: [web-1], timeout: 1s, output: {stdout: 1KiB}") }

    @Test func `an error text is limited in bytes, as the limit says`() {
        let lease = WireLeaseFinished.with {
            $0.outcome = .notStarted
            $0.error = String(repeating: "é", count: JobLimits.errorText)
        }
        #expect(JobOutcome.destination(Samples.lease, lease, job: job, share: 1).error.utf8.count <= JobLimits.errorText)
    }

    @Test func `a worker cannot put more output into a result than the job allows`() {
        let lease = WireLeaseFinished.with {
            $0.outcome = .exited
            $0.stdout = .init(repeating: 1, count: 60_000)
        }
        #expect(JobOutcome.destination(Samples.lease, lease, job: job, share: 1).stdout.count == 1024)
    }

    @Test func `no result at all, or one that is no end, is not success`() {
        #expect(JobOutcome.job([]).status != .succeeded)
        for status in [WireJobStatus.unspecified, .accepted, .running, .refused, .dead] {
            #expect(JobOutcome.job([.with { $0.status = status }]).status != .succeeded, "\(status)")
        }
    }
}

@Suite struct ResultSizeTests {
    @Test(arguments: [1, 2, JobLimits.destinations])
    func `a result in which every destination says all it may fits into one frame`(destinations: Int) throws {
        let job = try Samples.job("command: [/bin/true], destinations: [web-1], timeout: 1s")
        let room = JobLimits.resultOutput / (2 * destinations)
        let lease = WireLease.with {
            $0.host = String(repeating: "h", count: JobLimits.name)
            $0.stdoutLimit = UInt32(room)
            $0.stderrLimit = UInt32(room)
        }
        let finished = WireLeaseFinished.with {
            $0.outcome = .unknown
            $0.stdout = .init(repeating: 0xff, count: 60_000)
            $0.stderr = .init(repeating: 0xff, count: 60_000)
            $0.error = String(repeating: "é", count: 30_000)
            ($0.stdoutTotal, $0.stderrTotal, $0.durationMs) = (.max, .max, .max)
        }
        let one = JobOutcome.destination(lease, finished, job: job, share: destinations)
        let result = WireJobResult.with {
            $0.jobID = Random.uuidV7()
            $0.originalJobID = Random.uuidV7()
            $0.requestDigest = .init(repeating: 1, count: 32)
            $0.error = String(repeating: "é", count: JobLimits.errorText).clipped(toBytes: JobLimits.errorText)
            $0.correlationID = String(repeating: "c", count: JobLimits.correlationID)
            $0.destinations = Array(repeating: one, count: destinations)
            ($0.durationMs, $0.finishedAtMs) = (.max, .max)
        }
        let envelope = try Envelope.seal(
            result.serializedBytes(), as: .jobResult, keyID: String(repeating: "k", count: Envelope.maximumKeyID),
            key: .generate())
        #expect(throws: Never.self) { try Frames.encode(WireFrame.with { $0.finished = .with { $0.envelope = envelope } }) }
    }
}
