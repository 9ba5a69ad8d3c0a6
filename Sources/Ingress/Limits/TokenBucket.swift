/// A token bucket, kept as the one instant at which it would be full again (the generic cell rate algorithm, ITU-T I.371): whole
/// numbers only, and the same state at any rate. Pure: the caller says what time it is.
struct TokenBucket: Sendable {
    /// How many within which time, on average, and how many at once.
    struct Rate: Sendable, Equatable {
        var count: Int
        var period: Duration
        /// At least 1; the bucket holds as many.
        var burst: Int

        /// Nanoseconds after which one more is let through.
        var interval: Int64 { max(1, period.nanoseconds / Int64(count)) }
    }

    private let rate: Rate
    /// The instant at which the bucket is full, in nanoseconds of the caller's clock.
    private var fullAt: Int64 = .min / 2

    init(_ rate: Rate) { self.rate = rate }

    /// The same bucket at another rate: what was taken stays taken.
    func at(_ rate: Rate) -> TokenBucket {
        var bucket = TokenBucket(rate)
        bucket.fullAt = fullAt
        return bucket
    }

    /// Nanoseconds from `now` until one could be taken; 0 when it can be now.
    func wait(now: Int64) -> Int64 { max(0, fullAt - rate.interval * Int64(rate.burst - 1) - now) }

    /// Takes one. Call only when ``wait(now:)`` is 0.
    mutating func take(now: Int64) { fullAt = max(fullAt, now) + rate.interval }
}

extension Duration {
    /// Whole nanoseconds; what is beyond 292 years counts as that.
    var nanoseconds: Int64 {
        let (whole, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole + components.attoseconds / 1_000_000_000
    }
}
