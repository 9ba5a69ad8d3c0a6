internal import Audit
internal import JobProtocol

/// A journal that several executors write to, which therefore decides what is otherwise a matter of one process: whose turn it is.
protocol SharedJournal: Journal {
    /// Keeps the journal this executor's. Returns when the task is cancelled, or with true when another executor has taken over: what
    /// this one writes from then on fails.
    func keep() async -> Bool
    /// Jobs of executors that are gone for good or for too long, which are this one's from now on.
    func adopt() async throws(JournalError) -> [StoredJob]
    /// Enters a job in the lines for these places, behind all who stand in one of them. Durable on return. Its result, and its being put
    /// off, give them back.
    ///
    /// - Returns: true when it holds all of them already.
    func enter(_ jobID: String, _ places: [SharedPlace]) async throws(JournalError) -> Bool
    /// Of these jobs, which have entered, those that hold all their places now.
    func granted(_ jobIDs: [String]) async throws(JournalError) -> [String]
    /// Of these jobs those that nobody is before in their lane.
    func heads(_ jobIDs: [String]) async throws(JournalError) -> [String]
    /// Calls `told` with the ids of jobs that an executor has finished or put off, and with none when some may have been missed. Returns
    /// at once; it goes on until the journal is closed.
    func listen(_ told: @escaping @Sendable ([String]) -> Void)
}

/// So many jobs may hold the same place at once, whichever executors run them.
struct SharedPlace: Sendable {
    let key: String
    let limit: Int
}

/// What a claim depends on among all executors.
struct SharedLimits: Sendable {
    /// Where jobs run one at a time, in the order of their claims; nil for none.
    let lane: (name: String, queue: Int)?
    /// Entered with the claim when the lane is free; empty when the job cannot begin yet.
    let places: [SharedPlace]
    /// How often jobs of its name may begin.
    let rate: TokenBucket.Rate?
    /// Recorded in place of the claim's when the job has to wait.
    let waiting: [AuditEvent]
}
