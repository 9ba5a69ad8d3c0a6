internal import JobProtocol

/// How long one sender may take. Pure: it is told what happens and when, and says when to look again.
///
/// A sender that trickles bytes (slow loris) keeps a connection busy for nothing. Deadlines alone would have to be as long as the
/// slowest honest upload; so a body must also come at a minimum rate after a moment of grace.
struct SenderPatience {
    /// Times and rates; from the settings.
    struct Limits: Sendable, Equatable {
        /// From the connection or an answer to the first byte of the next request.
        var idle = Duration.seconds(60)
        /// From the first byte of a request to the end of its head; a TLS handshake counts as part of the first one.
        var head = Duration.seconds(10)
        /// From the end of the head to the end of the body.
        var body = Duration.seconds(30)
        /// Bytes of a body a second, on average since the grace ended; 0 for any.
        var bodyRate = 512
        /// For how long the rate is not looked at.
        var grace = Duration.seconds(5)
    }

    /// What a sender is too slow with.
    enum Slow: String, Equatable {
        case idle
        case head = "head-time"
        case body = "body-time"
        case rate = "body-rate"
    }

    enum Verdict: Equatable {
        /// Look again at this instant, in nanoseconds.
        case fine(until: Int64)
        /// Nothing is expected of the sender.
        case unwatched
        case tooSlow(Slow)
    }

    private enum Phase {
        case idle(since: Int64)
        case head(since: Int64)
        case body(since: Int64, bytes: Int64)
        case answering
    }

    private let limits: Limits
    private var phase: Phase

    /// A connection that has just been made.
    init(_ limits: Limits, now: Int64) {
        self.limits = limits
        phase = .idle(since: now)
    }

    /// Bytes of whatever kind came; true when they are the first of a request.
    mutating func bytesCame(now: Int64) -> Bool {
        guard case .idle = phase else { return false }
        phase = .head(since: now)
        return true
    }

    /// The head is complete.
    mutating func headCame(now: Int64) { phase = .body(since: now, bytes: 0) }

    /// A piece of the body came.
    mutating func bodyCame(_ bytes: Int) {
        guard case .body(let since, let before) = phase else { return }
        phase = .body(since: since, bytes: before + Int64(bytes))
    }

    /// The request is complete: from now on the sender waits for us.
    mutating func requestCame() { phase = .answering }

    /// The request is answered and another one may follow.
    mutating func answered(now: Int64) { phase = .idle(since: now) }

    /// Whether the sender is still in time.
    func verdict(now: Int64) -> Verdict {
        switch phase {
        case .answering: return .unwatched
        case .idle(let since): return within(since, limits.idle, .idle, now)
        case .head(let since): return within(since, limits.head, .head, now)
        case .body(let since, let bytes):
            let whole = within(since, limits.body, .body, now)
            guard limits.bodyRate > 0, case .fine(let end) = whole else { return whole }
            // The instant up to which what has come is enough.
            let covered =
                since + limits.grace.nanoseconds + bytes.multipliedReportingOverflow(by: Self.second).partialValue
                / Int64(limits.bodyRate)
            return now >= covered ? .tooSlow(.rate) : .fine(until: min(end, covered))
        }
    }

    private static let second: Int64 = 1_000_000_000

    private func within(_ since: Int64, _ limit: Duration, _ slow: Slow, _ now: Int64) -> Verdict {
        let end = since + limit.nanoseconds
        return now >= end ? .tooSlow(slow) : .fine(until: end)
    }
}
