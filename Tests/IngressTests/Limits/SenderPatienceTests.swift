import Testing

@testable import Ingress

@Suite struct SenderPatienceTests {
    private static let second: Int64 = 1_000_000_000
    private static let limits = SenderPatience.Limits(
        idle: .seconds(60), head: .seconds(10), body: .seconds(30), bodyRate: 100, grace: .seconds(5))

    @Test func `a connection without a byte is idle`() {
        let patience = SenderPatience(Self.limits, now: 0)
        #expect(patience.verdict(now: 0) == .fine(until: 60 * Self.second))
        #expect(patience.verdict(now: 60 * Self.second - 1) == .fine(until: 60 * Self.second))
        #expect(patience.verdict(now: 60 * Self.second) == .tooSlow(.idle))
    }

    @Test func `from its first byte a head has its time, however many more bytes trickle`() {
        var patience = SenderPatience(Self.limits, now: 0)
        let isFirst = patience.bytesCame(now: 50 * Self.second)
        #expect(isFirst)
        let more = (51..<60).count { patience.bytesCame(now: Int64($0) * Self.second) }
        #expect(more == 0)
        #expect(patience.verdict(now: 60 * Self.second - 1) == .fine(until: 60 * Self.second))
        #expect(patience.verdict(now: 60 * Self.second) == .tooSlow(.head))
    }

    @Test func `a body must be whole in time`() {
        var patience = SenderPatience(Self.limits, now: 0)
        patience.headCame(now: 0)
        patience.bodyCame(1_000_000)
        #expect(patience.verdict(now: 30 * Self.second - 1) == .fine(until: 30 * Self.second))
        #expect(patience.verdict(now: 30 * Self.second) == .tooSlow(.body))
    }

    @Test func `a body must come at the minimum rate after the grace`() {
        var patience = SenderPatience(Self.limits, now: 0)
        patience.headCame(now: 0)
        #expect(patience.verdict(now: 0) == .fine(until: 5 * Self.second))
        #expect(patience.verdict(now: 5 * Self.second) == .tooSlow(.rate))
        patience.bodyCame(300)
        #expect(patience.verdict(now: 5 * Self.second) == .fine(until: 8 * Self.second))
        #expect(patience.verdict(now: 8 * Self.second) == .tooSlow(.rate))
    }

    @Test func `without a minimum rate only the time counts`() {
        var limits = Self.limits
        limits.bodyRate = 0
        var patience = SenderPatience(limits, now: 0)
        patience.headCame(now: 0)
        #expect(patience.verdict(now: 29 * Self.second) == .fine(until: 30 * Self.second))
    }

    @Test func `who waits for an answer is not hurried, and is idle again after it`() {
        var patience = SenderPatience(Self.limits, now: 0)
        patience.headCame(now: 0)
        patience.requestCame()
        #expect(patience.verdict(now: 3600 * Self.second) == .unwatched)
        let isFirst = patience.bytesCame(now: 3600 * Self.second)
        #expect(!isFirst)
        patience.answered(now: 3600 * Self.second)
        #expect(patience.verdict(now: 3601 * Self.second) == .fine(until: 3660 * Self.second))
    }
}
