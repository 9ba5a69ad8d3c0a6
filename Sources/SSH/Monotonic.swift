internal import Glibc

/// The worker's clock.
enum Monotonic {
    /// Milliseconds since some moment in the past; never goes back.
    static func now() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
