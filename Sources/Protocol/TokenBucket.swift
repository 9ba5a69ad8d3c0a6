/// A token bucket, kept as the one instant at which it would be full again (the generic cell rate algorithm, ITU-T I.371): whole
/// numbers only, and the same state at any rate. Pure: the caller says what time it is.
public struct TokenBucket: Sendable {
    /// How many within which time, on average, and how many at once.
    public struct Rate: Sendable, Equatable {
        /// At least 1.
        public var count: Int
        /// More than nothing.
        public var period: Duration
        /// At least 1; the bucket holds as many.
        public var burst: Int

        /// All of it.
        public init(count: Int, period: Duration, burst: Int) {
            self.count = count
            self.period = period
            self.burst = burst
        }

        /// Nanoseconds after which one more is let through.
        public var interval: Int64 { max(1, period.nanoseconds / Int64(count)) }
    }

    private let rate: Rate
    /// The instant at which the bucket is full, in nanoseconds of the caller's clock.
    private var fullAt: Int64 = .min / 2

    /// A full one.
    public init(_ rate: Rate) { self.rate = rate }

    /// The same bucket at another rate: what was taken stays taken.
    public func at(_ rate: Rate) -> TokenBucket {
        var bucket = TokenBucket(rate)
        bucket.fullAt = fullAt
        return bucket
    }

    /// Nanoseconds from `now` until one could be taken; 0 when it can be now.
    public func wait(now: Int64) -> Int64 { max(0, fullAt - rate.interval * Int64(rate.burst - 1) - now) }

    /// Takes one. Call only when ``wait(now:)`` is 0.
    public mutating func take(now: Int64) { fullAt = max(fullAt, now) + rate.interval }

    /// Gives one back that was taken and not used.
    public mutating func giveBack() { fullAt -= rate.interval }
}
