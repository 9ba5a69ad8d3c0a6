internal import Audit
internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// A claimed job with all it takes to run it.
struct RunningJob: Sendable {
    let request: WireJobRequest
    let body: [UInt8]?
    let plan: Policy.Plan
    let needs: [Slots.Need]
    /// The slots were free when it was claimed, and the journal says running already.
    let holdsSlots: Bool
    /// 1-based.
    let attempt: UInt32

    /// What is recorded before it begins.
    var starts: [AuditEvent] {
        plan.runs.map { .started(request.jobID, attempt: attempt, $0.destination, at: WallClock.now()) }
    }
}

/// Results that are not made by running anything.
enum StoredResult {
    /// What the journal knows of a job, as a result; an unfinished job's status says that it is still to come.
    static func of(_ stored: StoredJob) -> WireJobResult {
        if let result = stored.result { return result }
        return .with {
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
    static func interrupted(_ stored: StoredJob, status: WireJobStatus, now: Int64) -> WireJobResult {
        .with {
            $0.jobID = stored.id
            $0.status = status
            $0.reason = .outcomeUnknown
            $0.error =
                "the executor was cut off while the command may have been running; look at the host before you run it again"
            $0.attempts = stored.attempt
            $0.durationMs = UInt64(max(0, now - stored.acceptedAt))
            $0.finishedAtMs = now
            $0.correlationID = stored.request.correlationID
        }
    }
}
