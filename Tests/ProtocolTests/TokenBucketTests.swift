import JobProtocol
import Testing

@Suite struct TokenBucketTests {
    private static let second: Int64 = 1_000_000_000

    /// How many of `attempts` at one instant are let through.
    private func taken(_ bucket: inout TokenBucket, _ attempts: Int, at now: Int64) -> Int {
        (0..<attempts).count { _ in
            guard bucket.wait(now: now) == 0 else { return false }
            bucket.take(now: now)
            return true
        }
    }

    @Test(arguments: [(10, 1), (10, 10), (10, 25), (1, 1), (100_000, 100_000)])
    func `a full bucket gives its burst and not one more`(count: Int, burst: Int) {
        var bucket = TokenBucket(.init(count: count, period: .seconds(1), burst: burst))
        #expect(taken(&bucket, burst + 5, at: 0) == burst)
        #expect(bucket.wait(now: 0) > 0)
    }

    @Test func `it fills at its rate, and not beyond its burst`() {
        var bucket = TokenBucket(.init(count: 10, period: .seconds(1), burst: 5))
        #expect(taken(&bucket, 9, at: 0) == 5)
        #expect(bucket.wait(now: 0) == Self.second / 10)
        #expect(taken(&bucket, 9, at: Self.second / 10 - 1) == 0)
        #expect(taken(&bucket, 9, at: Self.second / 10) == 1)
        #expect(taken(&bucket, 9, at: Self.second * 4 / 10) == 3)
        #expect(taken(&bucket, 99, at: Self.second * 3600) == 5)
    }

    @Test func `over a long time it lets through what its rate says`() {
        var bucket = TokenBucket(.init(count: 3, period: .seconds(60), burst: 1))
        let through = (0..<6000).reduce(0) { total, step in total + taken(&bucket, 1, at: Int64(step) * Self.second / 10) }
        #expect(through == 30)
    }

    @Test func `a change of the rate neither gives nor takes what was taken`() {
        var bucket = TokenBucket(.init(count: 1, period: .seconds(1), burst: 4))
        #expect(taken(&bucket, 9, at: 0) == 4)
        var faster = bucket.at(.init(count: 10, period: .seconds(1), burst: 4))
        #expect(taken(&faster, 9, at: 0) == 0)
        #expect(taken(&faster, 9, at: 4 * Self.second) == 4)
    }

    @Test func `a clock far along is no different`() {
        var bucket = TokenBucket(.init(count: 1, period: .seconds(86_400), burst: 1))
        let late = Int64.max / 4
        #expect(taken(&bucket, 2, at: late) == 1)
        #expect(bucket.wait(now: late) == 86_400 * Self.second)
    }

    @Test func `one that is given back can be taken again`() {
        var bucket = TokenBucket(.init(count: 1, period: .seconds(60), burst: 1))
        bucket.take(now: Self.second)
        #expect(bucket.wait(now: Self.second) > 0)
        bucket.giveBack()
        #expect(bucket.wait(now: Self.second) == 0)
    }
}
