internal import JobProtocol
internal import Synchronization

/// Keeps what senders can cause from filling the log: so many lines of one kind, and of all kinds together, and no more. What is left
/// out is counted, and the next line that passes says how many there were.
final class LogThrottle: Sendable {
    /// What lines have in common. Both words come from the settings and the code, never from a sender.
    struct Kind: Hashable, Sendable {
        var hook: String
        var outcome: String
    }

    /// Lines of one kind.
    static let rate = TokenBucket.Rate(count: 1, period: .seconds(1), burst: 20)
    /// Lines of all kinds.
    static let totalRate = TokenBucket.Rate(count: 10, period: .seconds(1), burst: 200)
    /// Kinds that are told apart; all others are one.
    static let maximumKinds = 4096

    private struct Lines {
        var bucket = TokenBucket(LogThrottle.rate)
        var leftOut = 0
    }

    private struct State {
        var total = TokenBucket(LogThrottle.totalRate)
        var kinds: [Kind: Lines] = [:]
    }

    private let state = Mutex(State())

    /// How many lines of this kind were left out since the last one, when the next may be written; nil when it is left out too.
    ///
    /// - Parameter now: nanoseconds of a clock that only goes forward.
    func admit(_ kind: Kind, now: Int64) -> Int? {
        state.withLock { state in
            let isKnown = state.kinds[kind] != nil || state.kinds.count < Self.maximumKinds
            let kind = isKnown ? kind : Kind(hook: "", outcome: "")
            var lines = state.kinds[kind] ?? Lines()
            defer { state.kinds[kind] = lines }
            guard lines.bucket.wait(now: now) == 0, state.total.wait(now: now) == 0 else {
                lines.leftOut += 1
                return nil
            }
            lines.bucket.take(now: now)
            state.total.take(now: now)
            defer { lines.leftOut = 0 }
            return lines.leftOut
        }
    }
}
