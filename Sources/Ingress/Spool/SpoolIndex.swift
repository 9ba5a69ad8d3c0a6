internal import NIOCore

/// Which deliveries are in the spool, in which order, and what may be done with each: a pure state machine.
///
/// Deliveries of one hook are handed over one after the other, in the order of their promises; hooks do not wait for one another.
struct SpoolIndex {
    /// One delivery.
    struct Entry: Sendable {
        let jobID: String
        let hook: String
        let dedupeKey: String
        let bodyDigest: [UInt8]
        let order: UInt64
        let storedAt: Int64
        /// Bytes of its record.
        var length: Int
        var generation: UInt32 = 0
        /// Where it stands; nil while it is being written.
        var place: SpoolPlace?
        /// An executor may have seen this very envelope.
        var mayBeKnown: Bool
        /// It is being handed over.
        var isOut = false
        /// Not handed over again before this instant, in milliseconds of a clock that only goes forward.
        var notBefore: Int64 = 0
        /// Times it was sent back without a decision, one after the other.
        var delays = 0
    }

    /// What a new delivery comes to.
    enum Admission: Equatable {
        case new
        /// The same event is in the spool as this job. While it is being written nothing is promised yet.
        case duplicate(jobID: String, isDurable: Bool)
        /// The same key with another body.
        case contradiction
        case full
    }

    let maximumBytes: Int
    let maximumRecords: Int
    private var entries: [String: Entry] = [:]
    private var queues: [String: CircularBuffer<String>] = [:]
    private var byKey: [String: String] = [:]
    /// Bytes of what is being written.
    private(set) var bytesUnderWay = 0

    init(maximumBytes: Int, maximumRecords: Int) {
        self.maximumBytes = maximumBytes
        self.maximumRecords = maximumRecords
    }

    var count: Int { entries.count }

    /// When the oldest was promised, in Unix milliseconds.
    var oldest: Int64? { queues.values.compactMap { $0.first.flatMap { entries[$0]?.storedAt } }.min() }

    /// The job that waits under a dedupe key.
    func job(_ dedupeKey: String) -> String? { dedupeKey.isEmpty ? nil : byKey[dedupeKey] }

    func entry(_ jobID: String) -> Entry? { entries[jobID] }

    /// Deliveries of this hook are waiting, so that another one has to wait behind them.
    func holds(_ hook: String) -> Bool { !(queues[hook]?.isEmpty ?? true) }

    /// There is room for one more of that size.
    func hasRoom(for length: Int, onDisk: Int) -> Bool {
        entries.count < maximumRecords && onDisk + bytesUnderWay + length <= maximumBytes
    }

    /// Takes a new delivery, if it is one and there is room; it is then being written.
    ///
    /// - Parameter onDisk: bytes that the spool's files have.
    mutating func admit(_ entry: Entry, onDisk: Int) -> Admission {
        if let known = entries[entry.jobID] ?? byKey[entry.dedupeKey].flatMap({ entries[$0] }) {
            guard known.bodyDigest == entry.bodyDigest else { return .contradiction }
            return .duplicate(jobID: known.jobID, isDurable: known.place != nil)
        }
        guard hasRoom(for: entry.length, onDisk: onDisk) else { return .full }
        bytesUnderWay += entry.length
        insert(entry)
        return .new
    }

    /// Puts in what stands on disk from an earlier life; call in the order of the promises.
    mutating func restore(_ entry: Entry) { insert(entry) }

    private mutating func insert(_ entry: Entry) {
        entries[entry.jobID] = entry
        queues[entry.hook, default: CircularBuffer()].append(entry.jobID)
        if !entry.dedupeKey.isEmpty { byKey[entry.dedupeKey] = entry.jobID }
    }

    /// It is durable.
    mutating func confirm(_ jobID: String, at place: SpoolPlace) {
        guard let entry = entries[jobID], entry.place == nil else { return }
        bytesUnderWay -= entry.length
        entries[jobID]?.place = place
    }

    /// It was signed anew and stands at another place; an executor will see it.
    mutating func replace(_ jobID: String, at place: SpoolPlace, generation: UInt32) {
        entries[jobID]?.place = place
        entries[jobID]?.length = place.length
        entries[jobID]?.generation = generation
    }

    /// It is done, or could not be written.
    @discardableResult
    mutating func remove(_ jobID: String) -> Entry? {
        guard let entry = entries.removeValue(forKey: jobID) else { return nil }
        if entry.place == nil { bytesUnderWay -= entry.length }
        if byKey[entry.dedupeKey] == jobID { byKey[entry.dedupeKey] = nil }
        if queues[entry.hook]?.first == jobID {
            _ = queues[entry.hook]?.popFirst()
        } else {
            queues[entry.hook]?.removeAll { $0 == jobID }
        }
        if queues[entry.hook]?.isEmpty == true { queues[entry.hook] = nil }
        return entry
    }

    /// The first of each hook at an instant of that clock, where it is durable, not out and its time has come. They are out from now on.
    mutating func takeReady(now: Int64) -> [Entry] {
        queues.values.compactMap(\.first).compactMap { jobID in
            guard let entry = entries[jobID], entry.place != nil, !entry.isOut, entry.notBefore <= now else { return nil }
            entries[jobID]?.isOut = true
            return entry
        }
    }

    /// An executor may have seen it.
    mutating func markSent(_ jobID: String) { entries[jobID]?.mayBeKnown = true }

    /// It came back undecided and is tried again: at once at first, later each time at twice the distance.
    mutating func putBack(_ jobID: String, now: Int64, inTurn: Bool) {
        guard let entry = entries[jobID] else { return }
        entries[jobID]?.isOut = false
        guard !inTurn else { return }
        entries[jobID]?.delays = entry.delays + 1
        entries[jobID]?.notBefore = now + min(Self.pause.maximum, Self.pause.first << min(entry.delays, 16))
    }

    /// Milliseconds between two tries of one delivery: the first, and at most.
    static let pause: (first: Int64, maximum: Int64) = (500, 30_000)
}

/// Where a record stands.
struct SpoolPlace: Sendable, Equatable {
    let segment: UInt64
    let offset: Int
    let length: Int
}
