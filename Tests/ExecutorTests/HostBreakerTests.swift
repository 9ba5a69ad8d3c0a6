import ProtocolMessages
import Testing

@testable import Executor

@Suite struct HostBreakerTests {
    private let breakers = HostBreakers()
    private var place = 0

    private func ticket(_ way: [String], _ now: Int64) -> HostBreakers.Ticket? {
        if case .admitted(let ticket) = breakers.admit(way, places: way.map { _ in place }, now: now) { ticket } else { nil }
    }

    private func refusal(_ way: [String], _ now: Int64) -> String? {
        if case .refused(let text) = breakers.admit(way, places: way.map { _ in place }, now: now) { text } else { nil }
    }

    private func finished(_ reason: WireReason, host: String, _ error: String = "no route") -> WireLeaseFinished {
        .with {
            $0.outcome = .notStarted
            $0.reason = reason
            $0.error = error
            $0.failedHost = host
        }
    }

    /// One command after the other fails at a host.
    private func fail(
        _ times: Int, _ reason: WireReason = .unreachable, way: [String] = ["web"], host: String = "web", at now: Int64
    )
        throws
    {
        for _ in 0..<times {
            breakers.settle(try #require(ticket(way, now)), finished(reason, host: host), now: now, jitter: 0)
        }
    }

    private let success = WireLeaseFinished.with { $0.outcome = .exited }

    @Test func `a host is left alone after three failures in a row, not after two, and the text says all of it`() throws {
        try fail(2, at: 1_000)
        try fail(1, at: 61_000)
        #expect(
            refusal(["web"], 62_000)
                == "not tried: host web failed 3 times in a row since 1970-01-01T00:00:01Z; the last time: no route; "
                + "the next attempt is in 4 s, at 1970-01-01T00:01:06Z")
        #expect(ticket(["other"], 62_000) != nil)
    }

    @Test func `a clock that is set back does not leave a host alone for longer`() throws {
        let hour: Int64 = 3_600_000
        try fail(3, at: 2 * hour)
        #expect(refusal(["web"], hour)?.contains("the next attempt is in 5 s, at 1970-01-01T01:00:05Z") == true)
        #expect(breakers.standing("web", now: hour - 2_000).contains("in 5 s"))
        #expect(refusal(["web"], hour + 2_999) != nil)
        #expect(ticket(["web"], hour + 3_000) != nil)
    }

    @Test func `a success in between begins anew`() throws {
        try fail(2, at: 0)
        breakers.settle(try #require(ticket(["web"], 1)), success, now: 1, jitter: 0)
        try fail(2, at: 2)
        #expect(ticket(["web"], 3) != nil)
    }

    @Test func `when the pause is over one command tries, and the others do not before it has ended`() throws {
        try fail(3, at: 0)
        #expect(refusal(["web"], 4_999) != nil)
        let probe = try #require(ticket(["web"], 5_000))
        #expect(refusal(["web"], 5_000)?.hasSuffix("another command tries it now") == true)
        breakers.settle(probe, success, now: 5_001, jitter: 0)
        #expect(ticket(["web"], 5_002) != nil)
        #expect(ticket(["web"], 5_002) != nil)
    }

    @Test func `pauses double up to a limit and are jittered between half and all of themselves`() throws {
        try fail(3, at: 0)
        var now: Int64 = 0
        for pause: Int64 in [5_000, 10_000, 20_000, 40_000, 80_000, 150_000, 150_000] {
            #expect(refusal(["web"], now + pause - 1) != nil)
            now += pause
            breakers.settle(try #require(ticket(["web"], now)), finished(.unreachable, host: "web"), now: now, jitter: 0)
        }
        let probe = try #require(ticket(["web"], now + 150_000))
        breakers.settle(probe, finished(.unreachable, host: "web"), now: now, jitter: 1)
        #expect(refusal(["web"], now + 299_999) != nil)
        #expect(ticket(["web"], now + 300_000) != nil)
    }

    @Test(arguments: [WireReason.authentication, .hostKey])
    func `after a refused key nobody comes for fifteen seconds at least`(reason: WireReason) throws {
        try fail(3, reason, at: 0)
        #expect(refusal(["web"], 14_999) != nil)
        #expect(ticket(["web"], 15_000) != nil)
    }

    @Test func `commands that fail together are one failure`() throws {
        let tickets = try (0..<20).map { _ in try #require(ticket(["web"], 0)) }
        for ticket in tickets { breakers.settle(ticket, finished(.unreachable, host: "web"), now: 1, jitter: 0) }
        #expect(ticket(["web"], 2) != nil)
    }

    @Test func `a probe that is cancelled leaves it to the next one`() throws {
        try fail(3, at: 0)
        let probe = try #require(ticket(["web"], 5_000))
        breakers.settle(probe, finished(.cancelled, host: ""), now: 5_001, jitter: 0)
        #expect(ticket(["web"], 5_002) != nil)
    }

    @Test func `what a worker says of a host that is not on the way counts for nobody`() throws {
        try fail(5, host: "db", at: 0)
        #expect(ticket(["db"], 1) != nil)
        #expect(ticket(["web"], 1) != nil)
    }

    @Test func `a jump host's failures are its own, and what lies behind it is not tried meanwhile`() throws {
        try fail(3, way: ["bastion", "web"], host: "bastion", at: 0)
        #expect(refusal(["bastion", "db"], 1)?.contains("host bastion failed 3 times") == true)
        #expect(ticket(["web"], 1) != nil)
        // A probe of the jump host that another host on the way refuses is given free.
        try fail(3, host: "web", at: 1)
        #expect(refusal(["bastion", "web"], 5_000)?.contains("host web failed") == true)
        #expect(ticket(["bastion", "db"], 5_000) != nil)
    }

    @Test func `times are told in UTC`() {
        #expect(UTCTime.text(0) == "1970-01-01T00:00:00Z")
        #expect(UTCTime.text(1_709_164_799_999) == "2024-02-28T23:59:59Z")
        #expect(UTCTime.text(1_709_251_199_000) == "2024-02-29T23:59:59Z")
        #expect(UTCTime.text(1_795_713_929_000) == "2026-11-26T17:25:29Z")
    }

    @Test func `a command that is through opens the host to others, however long it runs`() throws {
        try fail(3, at: 0)
        let probe = try #require(ticket(["web"], 10_000))
        #expect(refusal(["web"], 10_000)?.contains("another command tries it now") == true)
        breakers.reached(probe)
        #expect(refusal(["web"], 10_000) == nil)
        #expect(breakers.standing("web", now: 10_000).isEmpty)
        // What becomes of it later is one failure.
        breakers.settle(probe, finished(.unreachable, host: "web"), now: 10_001, jitter: 0)
        #expect(refusal(["web"], 10_001) == nil)
    }

    @Test mutating func `a host whose settings were changed is another one, and what an older command says of it counts no more`()
        throws
    {
        try fail(2, at: 0)
        let old = try #require(ticket(["web"], 0))
        breakers.settle(old, finished(.unreachable, host: "web"), now: 0, jitter: 0)
        #expect(breakers.standing("web", now: 0).contains("failed 3 times in a row"))
        place = 1
        #expect(refusal(["web"], 0) == nil)
        try fail(2, at: 0)
        breakers.settle(old, finished(.unreachable, host: "web"), now: 0, jitter: 0)
        #expect(refusal(["web"], 0) == nil)
    }
}
