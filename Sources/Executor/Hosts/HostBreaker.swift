internal import ProtocolMessages

/// Whether a host is tried at all. After several failures in a row to connect or to log in it is left alone for a while that grows, and
/// then tried by one command before all others. Pure: the caller says what time it is, in Unix milliseconds, and rolls the dice.
struct HostBreaker: Sendable {
    /// Failures in a row after which the host is left alone.
    static let threshold = 3
    /// The first pause in milliseconds; it doubles with each failure after it. sshd penalises an address from 15 s on for a key it does
    /// not accept (sshd_config(5), PerSourcePenalties), so at least that long nobody logs in there after one.
    static let pause = (unreachable: 10_000, authentication: 30_000, maximum: 300_000)

    /// Failures in a row.
    private(set) var failures = 0
    /// When the first of them was.
    private(set) var since: Int64 = 0
    private(set) var last = ""
    /// Until when the host is left alone; nil when it is not.
    private(set) var until: Int64?
    /// How long that was to last when it began, in milliseconds.
    private var length: Int64 = 0
    /// A command tries whether the host is back.
    private(set) var isProbing = false
    /// Stands for where the host is and who logs in there: what failed at another place says nothing of this one.
    var place = 0
    /// Counts what is known of the host: failures of commands that were let through before the last one are the same failure.
    private(set) var generation = 0

    /// Why a command is not let through; nil when it is.
    mutating func admit(_ host: String, now: Int64) -> String? {
        guard var until else { return nil }
        // A clock that was set back must not make the pause longer.
        if until - now > length {
            until = now + length
            self.until = until
        }
        let story = "host \(host) failed \(failures) times in a row since \(UTCTime.text(since)); the last time: \(last)"
        guard now >= until else {
            return "not tried: \(story); the next attempt is in \((until - now + 999) / 1000) s, at \(UTCTime.text(until))"
        }
        guard !isProbing else { return "not tried: \(story); another command tries it now" }
        isProbing = true
        return nil
    }

    /// The host was logged in to.
    mutating func succeeded() {
        let next = generation + 1
        let place = place
        self = HostBreaker()
        (generation, self.place) = (next, place)
    }

    /// It could not be connected or logged in to, by a command that was let through in `admitted`.
    ///
    /// - Parameter jitter: 0 to 1; a pause is between half of itself and all of it.
    mutating func failed(_ reason: WireReason, _ text: String, admitted: Int, now: Int64, jitter: Double) {
        guard admitted == generation else { return }
        generation += 1
        failures += 1
        isProbing = false
        last = text
        if failures == 1 { since = now }
        guard failures >= Self.threshold else { return }
        let first = reason == .authentication || reason == .hostKey ? Self.pause.authentication : Self.pause.unreachable
        let full = min(first << min(failures - Self.threshold, 16), Self.pause.maximum)
        length = Int64(Double(full) * (1 + jitter) / 2)
        until = now + length
    }

    /// The command ended before it was known whether the host is back: the next one tries.
    mutating func undecided(admitted: Int) { if admitted == generation { isProbing = false } }
}
