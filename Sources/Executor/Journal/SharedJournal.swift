internal import Audit
internal import JobProtocol

/// A journal that several executors write to, which therefore decides what is otherwise a matter of one process: whose turn it is.
protocol SharedJournal: Journal {
    /// The number of this start, higher than those of all before.
    var epoch: Int64 { get }
    /// Keeps the journal this executor's. Returns when the task is cancelled, or with true when another executor has taken over: what
    /// this one writes from then on fails.
    func keep() async -> Bool
    /// Jobs of executors that are gone for good or for too long, which are this one's from now on; the audit log says so of each.
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
    /// Asks whoever has an unfinished job to end it, now and whoever has it next. Durable on return.
    func askToCancel(_ jobID: String, by operatorName: String) async throws(JournalError)
    /// Of this one's unfinished jobs those whose end is asked for.
    func toCancel() async throws(JournalError) -> [String]
    /// Calls `told` with what executors have news of, and with nothing when some may have been missed. Returns at once; it goes on until
    /// the journal is closed.
    func listen(_ told: @escaping @Sendable ([JournalNews]) -> Void)
}

/// What one executor has written, for others to look at.
enum JournalNews: Equatable {
    /// The job is finished, or put off.
    case left(String)
    /// Somebody asks for its end.
    case cancel(String)
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
