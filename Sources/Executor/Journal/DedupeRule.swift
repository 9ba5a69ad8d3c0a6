internal import ProtocolMessages

/// When an event that the journal knows may run once more.
///
/// A sender repeats an event with a higher attempt after a failure, and with the same one when it lost our answer. Only the first
/// is a wish to run again; and nothing runs again whose outcome is not known, because it may have run.
enum DedupeRule {
    static func runsAgain(_ request: WireJobRequest, after earlier: StoredJob) -> Bool {
        switch earlier.status {
        case .failed, .timedOut, .dead, .refused:
            request.manualRetry || request.attempt > earlier.request.attempt
        case .succeeded, .unknown:
            request.manualRetry
        case .accepted, .running, .unspecified, .UNRECOGNIZED:
            false
        }
    }
}
