/// Ids of tokens that may be used once, each with the delivery it was used for, until the token has expired.
///
/// The same delivery again is a sender's retry and may pass: what is done about it is the dedupe's to say. When there is no room
/// the use is refused, never an id forgotten that could still be used. It is a memory of this process: a restart empties it.
struct UsedTokens {
    /// Ids that are kept, at most; about 10 MB.
    static let capacity = 65_536

    /// What became of a use.
    enum Verdict: Equatable {
        /// Not used before.
        case first
        /// Used before, for the same delivery.
        case again
        /// Used before, for another one.
        case taken
        /// No room to remember it.
        case full
    }

    private struct Use {
        let delivery: [UInt8]
        let until: Int64
    }

    private let capacity: Int
    private var uses: [[UInt8]: Use] = [:]
    /// When expired ids were last looked for: once a second is enough, whatever arrives.
    private var swept = Int64.min

    init(capacity: Int = capacity) { self.capacity = capacity }

    var count: Int { uses.count }

    /// Uses the token with this `id` for `delivery`, both digests. It is remembered as long as `now`, in Unix seconds, is before
    /// `until`.
    mutating func use(_ id: [UInt8], for delivery: [UInt8], until: Int64, now: Int64) -> Verdict {
        if let use = uses[id], now < use.until { return use.delivery == delivery ? .again : .taken }
        uses[id] = nil
        if uses.count >= capacity { sweep(now) }
        guard uses.count < capacity else { return .full }
        uses[id] = Use(delivery: delivery, until: until)
        return .first
    }

    private mutating func sweep(_ now: Int64) {
        guard now != swept else { return }
        swept = now
        uses = uses.filter { now < $0.value.until }
    }
}
