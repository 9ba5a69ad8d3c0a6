internal import JobProtocol

/// What all hooks together may take.
struct RequestLimits: Sendable, Equatable {
    /// Verified deliveries of all hooks.
    var rate = TokenBucket.Rate(count: 1000, period: .seconds(1), burst: 2000)
    /// Deliveries that wait for their answer.
    var waiting = 1024
    /// Bytes of bodies held at once, of deliveries that are being read.
    var bodies = 256 * 1024 * 1024
}

/// What one hook may take.
struct HookLimits: Sendable, Equatable {
    /// Verified deliveries.
    var rate = TokenBucket.Rate(count: 200, period: .seconds(1), burst: 400)
    /// Deliveries that wait for their answer.
    var concurrency = 256
}
