import ProtocolMessages
import Testing

@testable import Executor

@Suite struct DedupeRuleTests {
    /// An event whose job, of the sender's second attempt, stands so: what a further delivery of it comes to.
    private func runsAgain(_ status: WireJobStatus, attempt: UInt32, manual: Bool = false) -> Bool {
        let earlier = StoredJob(
            request: Samples.request { $0.attempt = 2 }, digest: [], ingress: "edge", body: nil, status: status,
            reason: .unspecified, error: "", attempt: 1, acceptedAt: Samples.now, finishedAt: nil, result: nil)
        let request = Samples.request {
            $0.attempt = attempt
            $0.manualRetry = manual
        }
        return DedupeRule.runsAgain(request, after: earlier)
    }

    @Test(arguments: [WireJobStatus.failed, .timedOut, .dead, .refused])
    func `after a failure a higher attempt runs again, the same, a lower and none do not`(status: WireJobStatus) {
        #expect(runsAgain(status, attempt: 3))
        #expect(runsAgain(status, attempt: .max))
        #expect(!runsAgain(status, attempt: 2))
        #expect(!runsAgain(status, attempt: 1))
        #expect(!runsAgain(status, attempt: 0))
    }

    @Test(arguments: [WireJobStatus.succeeded, .unknown])
    func `what succeeded, or may have, runs again for no attempt of the sender's`(status: WireJobStatus) {
        for attempt in [0, 1, 2, 3, UInt32.max] { #expect(!runsAgain(status, attempt: attempt)) }
    }

    @Test(arguments: [WireJobStatus.failed, .timedOut, .dead, .refused, .succeeded])
    func `what has ended runs again when an operator says so`(status: WireJobStatus) {
        #expect(runsAgain(status, attempt: 2, manual: true))
        #expect(runsAgain(status, attempt: 0, manual: true))
    }

    @Test(arguments: [WireJobStatus.accepted, .running, .unspecified])
    func `what has not ended never runs beside itself, not even when an operator says so`(status: WireJobStatus) {
        for manual in [false, true] {
            for attempt in [0, 2, 3, UInt32.max] { #expect(!runsAgain(status, attempt: attempt, manual: manual)) }
        }
    }
}
