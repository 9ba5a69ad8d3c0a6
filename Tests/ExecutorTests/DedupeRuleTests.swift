import ProtocolMessages
import Testing

@testable import Executor

@Suite struct DedupeRuleTests {
    /// An event whose job, of the sender's second attempt, stands so: what a further delivery of it comes to.
    private func runsAgain(
        _ status: WireJobStatus, _ reason: WireReason = .unspecified, attempt: UInt32, manual: Bool = false
    ) -> Bool {
        let earlier = StoredJob(
            request: Samples.event("e1", attempt: 2), digest: [], ingress: "edge", body: nil, status: status,
            reason: reason, error: "", attempt: 1, acceptedAt: Samples.now, finishedAt: nil, result: nil)
        let request = Samples.event("e1", attempt: attempt) { $0.manualRetry = manual }
        return DedupeRule.runsAgain(request, after: earlier, now: Samples.now + 1)
    }

    @Test(arguments: [WireJobStatus.failed, .timedOut, .dead, .refused])
    func `after a failure a higher attempt runs again, the same, a lower and none do not`(status: WireJobStatus) {
        #expect(runsAgain(status, attempt: 3))
        #expect(runsAgain(status, attempt: .max))
        #expect(!runsAgain(status, attempt: 2))
        #expect(!runsAgain(status, attempt: 1))
        #expect(!runsAgain(status, attempt: 0))
    }

    @Test func `what an operator cancelled comes back by an operator's wish only`() {
        #expect(!runsAgain(.failed, .cancelled, attempt: 3))
        #expect(runsAgain(.failed, .cancelled, attempt: 2, manual: true))
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

    /// Another event under the same key, `age` milliseconds after the first, with a window.
    private func otherRuns(_ status: WireJobStatus, age: Int64, window: Int64, event: String = "e2") -> Bool {
        let earlier = StoredJob(
            request: Samples.event("e1", attempt: 2), digest: [], ingress: "edge", body: nil, status: status,
            reason: .unspecified, error: "", attempt: 1, acceptedAt: Samples.now, finishedAt: nil, result: nil)
        let request = Samples.event(event) { $0.dedupeWindowMs = window }
        return DedupeRule.runsAgain(request, after: earlier, now: Samples.now + age)
    }

    @Test(arguments: [WireJobStatus.succeeded, .unknown])
    func `another event of the same key runs from the end of the window on, and never without one`(status: WireJobStatus) {
        #expect(!otherRuns(status, age: 999, window: 1000))
        #expect(otherRuns(status, age: 1000, window: 1000))
        #expect(!otherRuns(status, age: .max / 2, window: 0))
        // A clock that was set back, and a window that is none.
        #expect(!otherRuns(status, age: -5000, window: 1000))
        #expect(!otherRuns(status, age: 5000, window: -1))
    }

    @Test func `the window is not for the event itself`() {
        #expect(!otherRuns(.succeeded, age: 5000, window: 1000, event: "e1"))
    }

    @Test func `two deliveries without an event id are never known to be one event`() {
        let earlier = StoredJob(
            request: Samples.event(""), digest: [], ingress: "edge", body: nil, status: .succeeded, reason: .unspecified,
            error: "",
            attempt: 1, acceptedAt: Samples.now, finishedAt: nil, result: nil)
        let request = Samples.event("") { $0.dedupeWindowMs = 10 }
        #expect(!DedupeRule.runsAgain(request, after: earlier, now: Samples.now + 9))
        #expect(DedupeRule.runsAgain(request, after: earlier, now: Samples.now + 10))
    }

    @Test(arguments: [WireJobStatus.failed, .timedOut, .dead, .refused])
    func `what failed does not stand in another event's way`(status: WireJobStatus) {
        #expect(otherRuns(status, age: 0, window: 0))
    }

    @Test(arguments: [WireJobStatus.accepted, .running])
    func `what has not ended does, whatever the window`(status: WireJobStatus) {
        #expect(!otherRuns(status, age: 5000, window: 1))
    }

    @Test(arguments: [WireJobStatus.accepted, .running, .unspecified])
    func `what has not ended never runs beside itself, not even when an operator says so`(status: WireJobStatus) {
        for manual in [false, true] {
            for attempt in [0, 2, 3, UInt32.max] { #expect(!runsAgain(status, attempt: attempt, manual: manual)) }
        }
    }
}
