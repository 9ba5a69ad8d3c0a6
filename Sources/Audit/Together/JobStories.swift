internal import JSON

/// Follows each job through the logs of all executors that share a journal, read one after the other in any order: it is accepted once,
/// taken over by who says from whom, and ends once. ``finish()`` tells where that is not so.
///
/// It keeps 16 bytes of a job that begins and ends in one log, and a little more of every other; there are limits for both.
public struct JobStories {
    /// Jobs of all logs together.
    public static let maximumJobs = 16_000_000
    /// Of these, jobs at a time that have not ended in the log that accepted them.
    public static let maximumOpen = 1_000_000
    /// Gaps that are told one by one; more are counted.
    public static let maximumGaps = 1000
    /// An executor takes over what another has left within a minute. Clocks differ, and many jobs take their time: only what was left
    /// for longer than this, in milliseconds, counts as left behind.
    public static let patience: Int64 = 600_000

    private let maximumJobs: Int
    private let maximumOpen: Int
    var logs: [Log] = []
    /// Jobs that began and ended in one log: that log.
    private var plain: [JobKey: UInt16] = [:]
    var open: [JobKey: JobStory] = [:]
    /// Plain jobs of which something else was told already.
    private var toldOf: Set<JobKey> = []
    /// When jobs were taken over for the first time, in Unix milliseconds, of each start of each executor.
    var takeovers: [String: [Int64: Int64]] = [:]
    var takeoverCount = 0
    var gaps: [Outcome.Gap] = []
    var gapCount = 0
    /// Jobs that the logs accepted.
    private(set) var jobs = 0
    /// There were more jobs than can be followed: nothing is known of them then.
    public private(set) var limit: AuditError?

    /// - Parameters: lower limits, for tests.
    public init(maximumJobs: Int = maximumJobs, maximumOpen: Int = maximumOpen) {
        (self.maximumJobs, self.maximumOpen) = (maximumJobs, maximumOpen)
    }

    /// The records that follow are of this log.
    public mutating func begin(_ origin: String) { logs.append(Log(origin: origin)) }

    /// The log's records have been taken, and its tree holds.
    ///
    /// - Parameter first: the first of them.
    public mutating func end(first: UInt64) { logs[logs.count - 1].first = first }

    /// The next record of the log.
    public mutating func take(_ record: AuditRecord) {
        guard limit == nil, let log = logs.indices.last else { return }
        let event = record.event
        take(event, of: log)
        guard let id = event.job else { return }
        switch AuditEvent.Kind(rawValue: event.kind) {
        case .decision where event.fields["decision"]?.string == "accepted":
            jobs += 1
            add(.accepted, id, record)
        case .takenOver:
            let from = event.fields["from"]?.string
            let epoch = event.fields["epoch"]?.number?.int64 ?? 0
            takeoverCount += 1
            if let from {
                let first = takeovers[from]?[epoch] ?? .max
                takeovers[from, default: [:]][epoch] = min(first, event.time)
            }
            add(.takenOver(from: from, epoch: epoch), id, record)
        case .attemptStarted, .attemptEnded, .signature, .result: goOn(id, record)
        default: break
        }
    }

    /// What a record says of the executor.
    private mutating func take(_ event: AuditEvent, of log: Int) {
        logs[log].newest = max(logs[log].newest, event.time)
        logs[log].stoppedAt = nil
        switch AuditEvent.Kind(rawValue: event.kind) {
        case .executorStarted:
            logs[log].epoch = event.fields["epoch"]?.number?.int64
            if logs[log].epoch == nil { logs[log].hasUntoldStarts = true }
            logs[log].runs.append((event.time, event.time))
            return
        case .executorStopped: logs[log].stoppedAt = event.time
        default: break
        }
        if let last = logs[log].runs.indices.last { logs[log].runs[last].to = max(logs[log].runs[last].to, event.time) }
    }

    /// The log says how the executor came to have a job.
    private mutating func add(_ beginning: JobStory.Holding.Beginning, _ id: String, _ record: AuditRecord) {
        let (key, log) = (JobKey(id), logs.count - 1)
        if let other = plain[key] {
            return tell(key, id, of: Int(other), record)
        }
        let holding = JobStory.Holding(
            log: log, record: record.index, beginning: beginning, epoch: logs[log].epoch, lastEpoch: logs[log].epoch)
        open[key, default: JobStory(id: id)].holdings.append(holding)
        checkLimits()
    }

    /// The log has another record of a job.
    private mutating func goOn(_ id: String, _ record: AuditRecord) {
        let (key, log) = (JobKey(id), logs.count - 1)
        if let other = plain[key] {
            // A connection that the job has asked for may come after its end.
            let isLate = other == log && ["signature", "attempt-ended"].contains(record.event.kind)
            return isLate ? () : tell(key, id, of: Int(other), record)
        }
        if open[key]?.holdings.contains(where: { $0.log == log }) != true { add(.untold, id, record) }
        guard let last = open[key]?.holdings.lastIndex(where: { $0.log == log }) else { return }
        open[key]?.holdings[last].lastEpoch = logs[log].epoch
        guard record.event.kind == AuditEvent.Kind.result.rawValue else { return }
        if open[key]?.holdings[last].end == nil {
            open[key]?.holdings[last].end = record.index
        } else {
            open[key]?.holdings[last].secondEnd = record.index
        }
        guard open[key]?.isPlain == true else { return }
        open[key] = nil
        plain[key] = UInt16(log)
    }

    /// A job that began and ended in one log has another record that does not go with that.
    private mutating func tell(_ key: JobKey, _ id: String, of log: Int, _ record: AuditRecord) {
        guard toldOf.insert(key).inserted else { return }
        let (there, here) = (logs[log].origin, "record \(record.index) of \(logs[logs.count - 1].origin)")
        let event = record.event
        switch AuditEvent.Kind(rawValue: event.kind) {
        case .decision: add(.acceptedTwice, id, "accepted by \(there), where it ended, and once more by \(here)")
        case .takenOver: add(.takenOverAfterItsEnd, id, "taken over by \(here), although it was accepted and ended in \(there)")
        case .result: add(.endedTwice, id, "ended in \(there), and once more by \(here)")
        default: add(.goesOnAfterItsEnd, id, "accepted and ended in \(there), and goes on with \(here), \(event.kind)")
        }
    }

    mutating func add(_ kind: Outcome.Gap.Kind, _ job: String, _ text: String) {
        gapCount += 1
        if gaps.count < Self.maximumGaps { gaps.append(.init(kind: kind, job: job, text: text)) }
    }

    private mutating func checkLimits() {
        guard open.count + plain.count <= maximumJobs, open.count <= maximumOpen, toldOf.count <= maximumOpen else {
            let what =
                open.count > maximumOpen
                ? "\(maximumOpen) jobs that have not ended where they were accepted" : "\(maximumJobs) jobs"
            limit = AuditError(
                "the logs have more than \(what), which is what can be followed at once: verify a shorter time, with copies of the "
                    + "folders that have the newer files alone and all of `checkpoints`")
            return
        }
    }
}
