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
    /// - Parameter hosts: its destinations. Of a sequence the journal knows which of them have ended and which had not begun.
    static func interrupted(
        _ stored: StoredJob, on hosts: [String] = [], status: WireJobStatus, now: Int64
    ) -> WireJobResult {
        let text = "the executor was cut off while the command may have been running; look at the host before you run it again"
        return .with {
            $0.jobID = stored.id
            $0.status = status
            $0.reason = .outcomeUnknown
            $0.error = text
            if let progress = stored.progress, progress.status == .running {
                let known = Dictionary(progress.destinations.map { ($0.destination, $0) }, uniquingKeysWith: { $1 })
                $0.destinations = hosts.map { host in
                    known[host]
                        ?? .with {
                            ($0.destination, $0.status, $0.reason, $0.error) = (host, status, .outcomeUnknown, text)
                        }
                }
            }
            $0.attempts = stored.attempt
            $0.durationMs = UInt64(max(0, now - stored.acceptedAt))
            $0.finishedAtMs = now
            $0.correlationID = stored.request.correlationID
        }
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
        .with {
            $0.jobID = job.id
            $0.status = status
            $0.reason = reason
            $0.error = error
            $0.attempts = job.attempts.number - 1
            $0.durationMs = UInt64(max(0, now - job.acceptedAt))
            $0.correlationID = job.request.correlationID
            $0.destinations = job.attempts.results(job.plan)
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
