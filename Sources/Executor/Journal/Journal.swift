internal import Audit
internal import ProtocolMessages

/// The durable record of jobs. What it has answered is on disk; a claim decides once and for all who runs an event.
///
/// What each of these promises, whatever store is behind it, is tried by the suites named `Journal…PromiseTests`.
protocol Journal: Sendable {
    /// Claims a job, or says which job already stands for it. Durable on return.
    func claim(_ claim: JobClaim) async throws(JournalError) -> ClaimOutcome
    /// Moves a job between accepted and running, with the attempt that begins. Durable on return, the events too.
    func mark(_ jobID: String, _ status: WireJobStatus, attempt: UInt32, _ events: [AuditEvent]) async throws(JournalError)
    /// Puts a job off until its next attempt, with what the attempts so far came to. Durable on return, the events too.
    func postpone(
        _ jobID: String, attempt: UInt32, until: Int64, _ progress: WireJobResult, _ events: [AuditEvent]
    ) async throws(JournalError)
    /// A running job has come further: what its destinations came to so far. Durable on return, the events too.
    func advance(
        _ jobID: String, attempt: UInt32, _ progress: WireJobResult, _ events: [AuditEvent]
    ) async throws(JournalError)
    /// Records a result. Durable on return, the events too; a job finishes once.
    func finish(_ jobID: String, _ result: WireJobResult, _ events: [AuditEvent]) async throws(JournalError)
    /// Adds to a job's history. Durable on return, the event too where there is one.
    func note(_ jobID: String, _ what: String, destination: String, _ event: AuditEvent?) async throws(JournalError)
    /// Adds to the audit log. Durable on return.
    func record(_ events: [AuditEvent]) async throws(JournalError)
    /// Adds to the audit log soon, with the next thing that is written; a failure is logged.
    func recordLater(_ events: [AuditEvent])
    /// Writes the audit log out and signs it. Blocks; nothing is recorded after it.
    func close()

    /// Adds to a job's history soon, with the next thing that is written; nothing depends on it and nobody learns of a failure.
    func noteLater(_ jobID: String, _ what: String, destination: String)
    /// This executor's jobs that were accepted or running when the journal was last written.
    func unfinished() async throws(JournalError) -> [StoredJob]
    /// A job by its id or, failing that, the newest of an event id.
    func find(_ id: String) async throws(JournalError) -> StoredJob?
    /// The jobs accepted last first, without body, result and progress.
    func list(_ filter: JobFilter, limit: Int) async throws(JournalError) -> [StoredJob]
    /// A dead letter is none any more. False when it was none.
    func discard(_ jobID: String, by operatorName: String) async throws(JournalError) -> Bool
    /// A job's history, oldest first.
    func history(_ jobID: String) async throws(JournalError) -> [WireJobEvent]
    /// Itself, where other executors write to it, too; nil for one that is this executor's alone.
    var shared: (any SharedJournal)? { get }
    /// The disk did not take the last write.
    var isFailing: Bool { get }
    /// Of one that is shared: it could not be reached the last time.
    var isAway: Bool { get }
    /// How it and its audit log are; never waits for the disk to be written.
    func health() async -> JournalHealth
    /// Removes finished jobs older than `cutoff` (Unix milliseconds), at most `limit`; returns how many.
    func prune(before cutoff: Int64, limit: Int) async throws(JournalError) -> Int
}

/// A journal that is one executor's alone for as long as its process lives.
extension Journal {
    var shared: (any SharedJournal)? { nil }

    var isAway: Bool { false }
}

/// What is written when a job is accepted.
struct JobClaim: Sendable {
    let request: WireJobRequest
    /// The request as it is kept: the signed bytes, but for the signature of a token that was in them. The key's name, the signature and
    /// the digest of what was signed stand beside it.
    let payload: [UInt8]
    let keyID: String
    let signature: [UInt8]
    let digest: [UInt8]
    let ingress: String
    let body: [UInt8]?
    /// The hosts it runs on; empty when that is not known.
    let hosts: [String]
    /// Set for a replay.
    var replay: Replay?
    /// `accepted`, `running` when it starts at once, or `refused`.
    let status: WireJobStatus
    /// Set with `refused`.
    let refusal: Refusal?
    /// Past its expires-at: good only to find a job that is there already.
    let expired: Bool
    let now: Int64
    /// Recorded in the audit log when the job is claimed.
    var events: [AuditEvent] = []
    /// Of a journal that is shared: what the claim depends on among all executors.
    var limits: SharedLimits?
}

/// Where a replayed job comes from.
struct Replay: Sendable {
    /// Id of the job that is repeated; empty for one that an operator asks for without that.
    let origin: String
    /// Who asked for it, as ``Operator`` says it.
    let operatorName: String
}

/// Which jobs a list has. Empty and nil parts let all pass.
struct JobFilter: Sendable {
    var status: WireJobStatus?
    var job = ""
    var hook = ""
    var host = ""
    var eventID = ""
    var correlationID = ""
    /// Unix milliseconds at which it was accepted: not before, and before.
    var since: Int64?
    var until: Int64?
    /// Only dead letters that were neither discarded nor replayed.
    var deadLetters = false
}

/// What a dead letter has become; the numbers are those of the journal.
enum DeadLetter: Int64, Sendable {
    case none = 0
    case open = 1
    case discarded = 2
    case replayed = 3
}

/// The journal's answer to a claim.
enum ClaimOutcome: Sendable {
    /// This job is new and ours to run.
    case claimed(Standing)
    /// The same envelope was claimed before.
    case known(StoredJob)
    /// Another job stands for the same event.
    case duplicate(StoredJob)
    /// The same job id came with other bytes.
    case conflict
    /// The same event id came with another body, and the hook says that there is no such thing.
    case contradiction(StoredJob)
    /// Not known, and too late to begin.
    case expired
    /// Of a journal that is shared: a limit among all executors is against it, for this reason.
    case busy(String)
}

/// How far a job is on its way to all it needs.
enum Standing: Sendable {
    /// It waits for its lane, if it has one.
    case outside
    /// It has its lane, if there is one.
    case inLane
    /// It stands in the lines for its places.
    case entered
    /// It holds everything.
    case holds
}

/// A job as the journal has it.
struct StoredJob: Sendable {
    let request: WireJobRequest
    let digest: [UInt8]
    let ingress: String
    let body: [UInt8]?
    let status: WireJobStatus
    let reason: WireReason
    let error: String
    let attempt: UInt32
    let acceptedAt: Int64
    let finishedAt: Int64?
    let result: WireJobResult?
    /// Unix milliseconds before which its next attempt does not begin.
    var dueAt: Int64?
    /// What the attempts so far came to, of one that waits for its next.
    var progress: WireJobResult?
    /// The job that this one repeats; empty for none.
    var origin = ""
    var operatorName = ""
    var letter = DeadLetter.none
    /// Its end is asked for, of a journal that is shared.
    var isCancelled = false

    var id: String { request.jobID }
}

/// The journal could not be read or written; nothing was promised to anybody.
struct JournalError: Error, CustomStringConvertible {
    /// What an operator can do something about.
    enum Cause: String, Sendable {
        case full = "its disk, or its `maximum-size`, is full"
        case readOnly = "it is read-only"
        case device = "its disk fails"
        case away = "its database cannot be reached"
        case lost = "another executor has taken it over"
        case other = "see the executor's log"

        /// What to do about it.
        var next: String? {
            switch self {
            case .full: "make room on its disk, raise `maximum-size`, or lower `keep`"
            case .readOnly:
                "its disk is mounted read-only; see why in the kernel's log, repair it, and mount it for writing (if it is not, the executor's user may not write the file)"
            case .device: "see the kernel's log about its disk"
            case .away: "look whether PostgreSQL runs and takes connections at its socket"
            case .lost, .other: nil
            }
        }
    }

    let step: String
    /// Names the journal.
    let place: String
    let underlying: String
    var cause = Cause.other

    var description: String { "journal \(place): \(step): \(underlying)\(cause.next.map { "; \($0)" } ?? "")" }

    /// What to say of a journal that another executor does not give away.
    static func isTaken(_ place: String) -> JournalError {
        JournalError(
            step: "lock", place: place,
            underlying: "another executor uses it; stop that one, or give this one a journal of its own")
    }
}
