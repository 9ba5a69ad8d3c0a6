internal import NIOCore

/// The event loops' own clock, which only goes forward: settings of the wall clock neither open nor close a limit.
enum MonotonicClock {
    /// Nanoseconds.
    static func now() -> Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }
}
