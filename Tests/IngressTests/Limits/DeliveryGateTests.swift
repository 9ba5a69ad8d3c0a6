import NIOHTTP1
import Testing

@testable import Ingress

@Suite struct DeliveryGateTests {
    private static let second: Int64 = 1_000_000_000

    private func gate(
        rate: Int = 100, concurrency: Int = 100, total: Int = 1000, waiting: Int = 1000
    ) -> DeliveryGate {
        DeliveryGate(
            requests(total: total, waiting: waiting), hooks: ["a": hook(rate, concurrency), "b": hook(rate, concurrency)])
    }

    private func hook(_ rate: Int, _ concurrency: Int) -> HookLimits {
        HookLimits(rate: .init(count: rate, period: .seconds(1), burst: rate), concurrency: concurrency)
    }

    private func requests(total: Int, waiting: Int) -> RequestLimits {
        RequestLimits(rate: .init(count: total, period: .seconds(1), burst: total), waiting: waiting)
    }

    @Test func `a hook's rate is its own`() {
        let gate = gate(rate: 2)
        #expect(gate.admit("a", now: 0) == nil)
        #expect(gate.admit("a", now: 0) == nil)
        #expect(gate.admit("a", now: 0) == .rate(nanoseconds: Self.second / 2))
        #expect(gate.admit("b", now: 0) == nil)
        #expect(gate.admit("a", now: Self.second / 2) == nil)
    }

    @Test func `all hooks together have a rate, and what it refuses costs the hook nothing`() {
        let gate = gate(rate: 2, total: 3)
        for name in ["a", "b", "b"] { #expect(gate.admit(name, now: 0) == nil) }
        for _ in 0..<9 { #expect(gate.admit("a", now: 0) == .totalRate(nanoseconds: Self.second / 3 + 0)) }
        #expect(gate.admit("a", now: Self.second / 2) == nil)
    }

    @Test func `a hook's places are given back when its deliveries are answered`() {
        let gate = gate(concurrency: 2)
        #expect(gate.admit("a", now: 0) == nil)
        #expect(gate.admit("a", now: 0) == nil)
        #expect(gate.admit("a", now: 0) == .concurrency)
        #expect(gate.admit("b", now: 0) == nil)
        gate.leave("a")
        #expect(gate.admit("a", now: 0) == nil)
        #expect(gate.admit("a", now: 0) == .concurrency)
        #expect(gate.waitingCount == 3)
    }

    @Test func `no more deliveries wait than may, whatever their hooks`() {
        let gate = gate(waiting: 2)
        #expect(gate.admit("a", now: 0) == nil)
        #expect(gate.admit("b", now: 0) == nil)
        #expect(gate.admit("b", now: 0) == .waiting)
        gate.leave("a")
        #expect(gate.admit("b", now: 0) == nil)
    }

    @Test func `what is refused takes neither a token nor a place`() {
        let gate = gate(rate: 3, concurrency: 1)
        #expect(gate.admit("a", now: 0) == nil)
        for _ in 0..<9 { #expect(gate.admit("a", now: 0) == .concurrency) }
        gate.leave("a")
        #expect(gate.admit("a", now: 0) == nil)
        gate.leave("a")
        #expect(gate.admit("a", now: 0) == nil)
        gate.leave("a")
        #expect(gate.admit("a", now: 0) == .rate(nanoseconds: Self.second / 3))
        #expect(gate.waitingCount == 0)
    }

    @Test func `a reload changes limits and keeps who waits`() {
        let gate = gate(rate: 2, concurrency: 9)
        #expect(gate.admit("a", now: 0) == nil)
        #expect(gate.admit("a", now: 0) == nil)
        gate.change(to: requests(total: 1000, waiting: 1000), hooks: ["a": hook(2, 2)])
        #expect(gate.admit("a", now: Self.second * 9) == .concurrency)
        gate.leave("a")
        #expect(gate.admit("a", now: Self.second * 9) == nil)
        // One whose hook is gone by now still leaves.
        #expect(gate.admit("gone", now: Self.second * 9) == nil)
        gate.leave("gone")
        #expect(gate.waitingCount == 2)
    }

    @Test(arguments: [
        (LimitMet.rate(nanoseconds: 1), 429, 1), (.rate(nanoseconds: 1_000_000_001), 429, 2),
        (.totalRate(nanoseconds: 3600 * 1_000_000_000), 429, 60), (.concurrency, 429, 5), (.waiting, 503, 5),
    ])
    func `the answer says when to come again, within a minute`(met: LimitMet, status: Int, seconds: Int) {
        #expect(met.answer.status.code == status)
        #expect(met.answer.header("Retry-After") == "\(seconds)")
        #expect(met.answer.header("Content-Type") == "application/problem+json")
    }
}
