internal import NIOCore

/// The event loops' own clock, which only goes forward: settings of the wall clock neither open nor close a limit, and
/// make no wait longer.
enum MonotonicClock {
    /// Nanoseconds.
    static func now() -> Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }
    /// Milliseconds.
    static func milliseconds() -> Int64 { now() / 1_000_000 }
}
