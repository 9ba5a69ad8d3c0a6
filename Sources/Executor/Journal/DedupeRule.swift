internal import ProtocolMessages

/// When a request may run although the journal knows a job under its dedupe key.
///
/// A sender repeats an event with a higher attempt after a failure, and with the same one when it lost our answer. Only the first
/// is a wish to run again; and nothing runs again whose outcome is not known, because it may have run. Another event under the same
/// key (the hook tells events apart by their bodies) is a wish of its own: what failed does not stand in its way, and what did not
/// only for the window that the hook sets.
enum DedupeRule {
    /// The key stands for another body: an event id or an idempotency key was used twice.
    static func contradicts(_ request: WireJobRequest, _ earlier: StoredJob) -> Bool {
        request.bodyDigest != earlier.request.bodyDigest
    }

    /// The request runs beside, or after, that job.
    static func runsAgain(_ request: WireJobRequest, after earlier: StoredJob, now: Int64) -> Bool {
        // An event without an id is never known to be the same one.
        let isSameEvent = request.eventID == earlier.request.eventID && !request.eventID.isEmpty
        switch earlier.status {
        // An operator has ended it: the sender's own retries must not bring it back.
        case .failed where earlier.reason == .cancelled: return request.manualRetry || !isSameEvent
        case .failed, .timedOut, .dead, .refused:
            return request.manualRetry || !isSameEvent || request.attempt > earlier.request.attempt
        case .succeeded, .unknown:
            return request.manualRetry || !isSameEvent && isPast(request.dedupeWindowMs, since: earlier.acceptedAt, now: now)
        case .accepted, .running, .unspecified, .UNRECOGNIZED:
            return false
        }
    }

    /// 0 never passes, and neither does a time that lies ahead because the clock was set back.
    private static func isPast(_ window: Int64, since begin: Int64, now: Int64) -> Bool { window > 0 && now - begin >= window }
}
