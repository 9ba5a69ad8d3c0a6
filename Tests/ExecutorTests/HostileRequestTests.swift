import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

@testable import Executor

@Suite struct HostileRequestTests {
    @Test func `a life too long to be a number is refused, and ends no process`() async {
        await #expect(processExitsWith: .success) {
            let request = Samples.request { ($0.issuedAtMs, $0.expiresAtMs) = (.min, .max) }
            guard WireReason.ofRefusal({ try RequestCheck.validate(request) }) == .expired else { exit(1) }
        }
    }

    private func refusal(_ parameters: [String: String]) -> WireReason? {
        let request = Samples.request { $0.parameters = parameters }
        return .ofRefusal { try RequestCheck.validate(request) }
    }

    @Test func `a parameter's name is limited`() {
        #expect(refusal([String(repeating: "n", count: JobLimits.name): "v"]) == nil)
        #expect(refusal([String(repeating: "n", count: JobLimits.name + 1): "v"]) == .parameter)
    }

    @Test func `a parameter's value is limited`() {
        #expect(refusal(["n": String(repeating: "v", count: JobLimits.parameterValue)]) == nil)
        #expect(refusal(["n": String(repeating: "v", count: JobLimits.parameterValue + 1)]) == .parameter)
    }

    @Test func `all parameters together are limited`() {
        var parameters = Dictionary(uniqueKeysWithValues: (0..<8).map { ("\($0)", String(repeating: "v", count: 4095)) })
        #expect(refusal(parameters) == nil)
        parameters["8"] = ""
        #expect(refusal(parameters) == .parameter)
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

@Suite struct JournalClockTests {
    @Test func `an event runs once although the clock was set back between its attempts`() async throws {
        let folder = try TemporaryFolder()
        let journal = try SQLiteJournal(path: "\(folder.path)/journal.db")
        let first = Samples.event("e1", attempt: 1)
        #expect(try await journal.claim(Samples.claim(first)).text == "claimed")
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        let second = Samples.event("e1", attempt: 2)
        #expect(try await journal.claim(Samples.claim(second, at: Samples.now - 5000)).text == "claimed")
        let again = Samples.event("e1", attempt: 2)
        #expect(try await journal.claim(Samples.claim(again, at: Samples.now - 4000)).text == "duplicate \(second.jobID)")
    }
}
