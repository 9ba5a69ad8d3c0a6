internal import Glibc

/// Signals an operator sends, taken one after the other by the main thread; no handler ever runs.
public enum ProcessSignals {
    /// What was asked for.
    public enum Request: Sendable {
        /// SIGTERM or SIGINT: stop, and finish what was begun.
        case stop
        /// SIGHUP: read the settings again.
        case reload
        /// SIGCHLD: a child process ended.
        case child
    }

    /// Blocks the signals. Call on the main thread before any other thread exists, so that all inherit it.
    public static func block() {
        var set = signals
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for the next signal; blocks the calling thread, at most `milliseconds` when given.
    ///
    /// - Returns: nil when the time was over.
    public static func next(within milliseconds: Int? = nil) -> Request? {
        var set = signals
        while true {
            let signal: Int32
            if let milliseconds {
                var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
                signal = unsafe sigtimedwait(&set, nil, &time)
                if signal < 0, errno == EAGAIN { return nil }
            } else {
                signal = unsafe sigwaitinfo(&set, nil)
            }
            switch signal {
            case SIGTERM, SIGINT: return .stop
            case SIGHUP: return .reload
            case SIGCHLD: return .child
            default: continue
            }
        }
    }

    private static var signals: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD] { unsafe sigaddset(&set, signal) }
        return set
    }
}
