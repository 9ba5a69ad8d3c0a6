internal import Glibc

/// The wall clock, for what is written down or compared with another process; waiting uses monotonic clocks.
public enum WallClock {
    /// Milliseconds since 1970-01-01 UTC.
    public static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
