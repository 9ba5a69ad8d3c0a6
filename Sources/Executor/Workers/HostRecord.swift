internal import JobProtocol
internal import ProtocolMessages
internal import Synchronization

/// How the last command for each host ended, as far as that says something of the host. Names come from the settings alone.
final class HostRecord: Sendable {
    struct Last: Sendable {
        let at: Int64
        /// Unspecified when the host was reached and did what it was told.
        let reason: WireReason
        let error: String
    }

    private let hosts = Mutex<[String: Last]>([:])

    var all: [String: Last] { hosts.withLock { $0 } }

    func note(_ host: String, _ finished: WireLeaseFinished, at now: Int64 = WallClock.now()) {
        let reason: WireReason
        switch (finished.outcome, finished.reason) {
        case (.exited, _), (.timedOut, _): reason = .unspecified
        case (.notStarted, .unreachable), (.notStarted, .hostKey), (.notStarted, .authentication),
            (.notStarted, .hostUnsuitable):
            reason = finished.reason
        // The executor's own doing, or not known.
        default: return
        }
        let error = reason == .unspecified ? "" : finished.error.clipped(toBytes: JobLimits.errorText)
        hosts.withLock { $0[host] = Last(at: now, reason: reason, error: error) }
    }
}
