internal import Audit
internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// A claimed job with all it takes to run it.
struct RunningJob: Sendable {
    let request: WireJobRequest
    /// Nil while the job waits for its next attempt, too: the journal has it.
    var body: [UInt8]?
    let plan: Policy.Plan
    /// Unix milliseconds.
    let acceptedAt: Int64
    var attempts = Attempts()
    /// Ends of commands that are recorded with what comes next.
    var ends: [AuditEvent] = []

    var id: String { request.jobID }

    /// What is recorded before its next attempt begins. In a sequence each but the first is recorded when its turn comes.
    var starts: [AuditEvent] {
        let open = attempts.open(plan)
        return (plan.job.order.isSequence ? Array(open.prefix(1)) : open).map(start)
    }

    func start(_ run: Policy.Run) -> AuditEvent {
        .started(id, attempt: attempts.number, run.destination, at: WallClock.now())
    }

    /// What the journal has of a sequence while `run` has its turn.
    func progress(while run: Policy.Run) -> WireJobResult {
        .with {
            $0.jobID = id
            $0.status = .running
            $0.attempts = attempts.number
            $0.correlationID = request.correlationID
            $0.destinations = attempts.results(plan, while: run)
        }
    }

    /// Takes what its attempt came to.
    mutating func take(_ results: [WireDestinationResult]) {
        ends += results.map { .ended(id, attempt: attempts.number, $0, at: WallClock.now()) }
        attempts.take(results)
    }

    /// Notes what never began, and therefore has no end.
    mutating func skip(_ results: [WireDestinationResult]) { attempts.take(results) }

    /// Until its deadline; nil for none.
    func left(at now: Int64) -> Duration? {
        plan.job.deadline.map { $0 - .milliseconds(now - acceptedAt) }
    }
}

/// Results that are not made by running anything.
enum StoredResult {
    /// What the journal knows of a job, as a result; an unfinished job's status says that it is still to come.
    static func of(_ stored: StoredJob) -> WireJobResult {
        if let result = stored.result { return result }
        if var result = stored.progress {
            (result.status, result.attempts, result.finishedAtMs) = (stored.status, stored.attempt, 0)
            return result
        }
        return .with {
            $0.correlationID = stored.request.correlationID
            $0.jobID = stored.id
            $0.status = stored.status
            $0.reason = stored.reason
            $0.error = stored.error
            $0.attempts = stored.attempt
            $0.finishedAtMs = stored.finishedAt ?? 0
        }
    }

    /// The answer to a request that becomes no job.
    static func refused(_ request: WireJobRequest, _ refusal: Refusal, now: Int64) -> WireJobResult {
        .with {
            $0.jobID = request.jobID
            $0.status = .refused
            $0.reason = refusal.reason
            $0.error = refusal.message
            $0.finishedAtMs = now
        }
    }

    /// The end of a job that was cut off while its command may have been running.
    ///
    /// - Parameter plan: nil where the policy of now has none for it.
    static func interrupted(_ stored: StoredJob, _ plan: Policy.Plan?, status: WireJobStatus, now: Int64) -> WireJobResult {
        .with {
            $0.jobID = stored.id
            $0.status = status
            $0.reason = .outcomeUnknown
            $0.error = cutOffText
            $0.destinations = plan.map { cutOff(stored, $0, as: status) } ?? stored.progress?.destinations ?? []
            $0.attempts = stored.attempt
            $0.durationMs = UInt64(max(0, now - stored.acceptedAt))
            $0.finishedAtMs = now
            $0.correlationID = stored.request.correlationID
        }
    }

    private static let cutOffText =
        "the executor was cut off while the command may have been running; look at the host before you run it again"

    /// What is known of each destination of a job that was cut off while an attempt ran: in a sequence which have ended and which had
    /// not begun; of the others, that those of the attempt may have been running.
    static func cutOff(_ stored: StoredJob, _ plan: Policy.Plan, as status: WireJobStatus) -> [WireDestinationResult] {
        let last = stored.progress
        var known = Dictionary(last?.destinations.map { ($0.destination, $0) } ?? [], uniquingKeysWith: { $1 })
        if last?.status != .running {
            let open = Attempts(results: last?.destinations ?? []).open(plan)
            for (index, run) in open.enumerated() {
                known[run.destination] =
                    plan.job.order.isSequence && index > 0
                    ? JobOutcome.notTried(run.destination, "the executor was cut off before its turn") : nil
            }
        }
        return plan.runs.map { run in
            known[run.destination]
                ?? .with {
                    ($0.destination, $0.status, $0.reason, $0.error) = (run.destination, status, .outcomeUnknown, cutOffText)
                }
        }
    }

    /// The end of a job whose next attempt the policy of now refuses: what its attempts came to, for an operator to replay.
    static func refusedLater(_ stored: StoredJob, _ last: WireJobResult, _ refusal: Refusal, now: Int64) -> WireJobResult {
        var result = last
        let hasUnknown = last.destinations.contains { $0.status == .unknown }
        (result.status, result.reason) = hasUnknown ? (.unknown, .outcomeUnknown) : (.dead, refusal.reason)
        result.error = "the policy of now refuses its next attempt: \(refusal.message)".clipped(toBytes: JobLimits.errorText)
        result.attempts = stored.attempt - 1
        result.durationMs = UInt64(max(0, now - stored.acceptedAt))
        result.finishedAtMs = now
        return result
    }

    /// The end of a job that was cancelled before it ran, or between two attempts.
    static func cancelled(_ job: RunningJob, now: Int64) -> WireJobResult {
        ended(job, .failed, .cancelled, "an operator cancelled it while it waited", now: now)
    }

    /// The end of a job whose deadline came while it waited for its turn.
    static func late(_ job: RunningJob, now: Int64) -> WireJobResult {
        ended(job, .dead, .timeout, "its deadline came before it could run", now: now)
    }

    /// Attempts that were not made do not count.
    private static func ended(
        _ job: RunningJob, _ status: WireJobStatus, _ reason: WireReason, _ error: String, now: Int64
    ) -> WireJobResult {
        let results = job.attempts.results(job.plan)
        // What an attempt before may have left running says more than why there is no other.
        let isUnknown = results.contains { $0.status == .unknown }
        return .with {
            $0.jobID = job.id
            $0.status = isUnknown ? .unknown : status
            $0.reason = isUnknown ? .outcomeUnknown : reason
            $0.error = isUnknown ? "\(error) again, and how an attempt before ended is not known; look at the host" : error
            $0.attempts = job.attempts.number - 1
            $0.durationMs = UInt64(max(0, now - job.acceptedAt))
            $0.correlationID = job.request.correlationID
            $0.destinations = results
            $0.finishedAtMs = now
        }
    }

    /// What is told of a job whose next attempt comes later than the caller waits.
    static func postponed(_ job: RunningJob, _ last: WireJobResult) -> WireJobResult {
        var result = last
        result.status = .accepted
        result.attempts = job.attempts.number
        result.finishedAtMs = 0
        return result
    }
}
