import Testing

@testable import Ingress

@Suite struct UsedTokensTests {
    private func used(_ count: Int, of capacity: Int, until: Int64 = 100) -> UsedTokens {
        var used = UsedTokens(capacity: capacity)
        for index in 0..<count { #expect(used.use([UInt8(index)], for: [1], until: until, now: 0) == .first) }
        return used
    }

    @Test func `a token is used for one delivery, and for that as often as it is sent`() {
        var used = UsedTokens()
        #expect(used.use([1], for: [7], until: 100, now: 0) == .first)
        #expect(used.use([1], for: [7], until: 100, now: 50) == .again)
        #expect(used.use([1], for: [8], until: 100, now: 50) == .taken)
        #expect(used.use([1], for: [7], until: 100, now: 99) == .again)
        #expect(used.use([2], for: [8], until: 100, now: 50) == .first)
    }

    @Test func `a use is remembered up to the second before it has expired`() {
        var used = UsedTokens()
        _ = used.use([1], for: [7], until: 100, now: 0)
        #expect(used.use([1], for: [8], until: 100, now: 99) == .taken)
        #expect(used.use([1], for: [8], until: 200, now: 100) == .first)
    }

    @Test func `at the bound a new one has no room, and those that are known still pass or are refused`() {
        var used = used(3, of: 4)
        #expect(used.use([3], for: [1], until: 100, now: 1) == .first)
        #expect(used.use([4], for: [1], until: 100, now: 1) == .full)
        #expect(used.count == 4)
        #expect(used.use([0], for: [1], until: 100, now: 1) == .again)
        #expect(used.use([0], for: [2], until: 100, now: 1) == .taken)
    }

    @Test func `room comes back with expiry, and only so`() {
        var used = used(4, of: 4)
        #expect(used.use([9], for: [1], until: 300, now: 99) == .full)
        #expect(used.use([9], for: [1], until: 300, now: 100) == .first)
        #expect(used.count == 1)
    }

    @Test func `as many are kept as is said`() {
        #expect(UsedTokens.capacity == 65_536)
        var used = UsedTokens()
        for index in 0..<UsedTokens.capacity {
            _ = used.use([UInt8(index >> 8), UInt8(index & 255)], for: [1], until: 100, now: 0)
        }
        #expect(used.count == UsedTokens.capacity)
        #expect(used.use([0, 0, 0], for: [1], until: 100, now: 0) == .full)
    }
}
