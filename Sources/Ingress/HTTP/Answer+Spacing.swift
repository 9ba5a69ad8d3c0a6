internal import NIOHTTP1

extension Answer {
    /// No `Retry-After` of a 503 grows beyond this, in seconds.
    static let longestPause = 3600
    /// And none of a 429, whose cause clears while others are served.
    static let longestPauseOfLimit = 60

    /// As it is for a sender's first attempt; for each further one `Retry-After` is twice as long.
    ///
    /// A sender such as Hookdeck comes back exactly then, in place of its own back-off, and gives an event up after 50 attempts: with the
    /// same five seconds each time that is after four minutes, and an executor may be away for longer. So it is after a day and a half.
    ///
    /// - Parameter attempt: of the sender; 0 where it says none.
    func spaced(attempt: UInt32) -> Answer {
        guard attempt > 1, let place = headers.firstIndex(where: { $0.name == "Retry-After" }),
            let seconds = Int(headers[place].value)
        else { return self }
        let longest: Int
        switch status {
        case .serviceUnavailable: longest = Self.longestPause
        case .tooManyRequests: longest = Self.longestPauseOfLimit
        default: return self
        }
        var spaced = self
        // More doublings than any limit needs, and fewer than would overflow.
        let doubled = seconds << min(Int(attempt) - 1, 20)
        spaced.headers[place].value = "\(max(seconds, min(longest, doubled)))"
        return spaced
    }
}
