public import ProtocolMessages

/// The words for states and reasons, the same in answers, logs, metrics and tables.
public enum JobNames {
    /// As in `succeeded`, `timed-out`.
    public static func name(_ status: WireJobStatus) -> String {
        switch status {
        case .accepted: "accepted"
        case .running: "running"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .timedOut: "timed-out"
        case .refused: "refused"
        case .dead: "dead"
        case .unknown, .unspecified, .UNRECOGNIZED: "unknown"
        }
    }

    /// As in `exit-code`, `unreachable`; empty for none.
    public static func name(_ reason: WireReason) -> String {
        switch reason {
        case .unspecified, .UNRECOGNIZED: ""
        case .exitCode: "exit-code"
        case .unreachable: "unreachable"
        case .hostKey: "host-key"
        case .authentication: "authentication"
        case .timeout: "timeout"
        case .outcomeUnknown: "outcome-unknown"
        case .policy: "policy"
        case .parameter: "parameter"
        case .token: "token"
        case .expired: "expired"
        case .replay: "replay"
        case .busy: "busy"
        case .journal: "journal"
        case .cancelled: "cancelled"
        case .hostUnsuitable: "host-unsuitable"
        case .notTried: "not-tried"
        }
    }

    /// The state of that name; nil when there is none.
    public static func status(named name: String) -> WireJobStatus? {
        WireJobStatus.allCases.first { $0 != .unspecified && self.name($0) == name }
    }
}
