internal import JobProtocol
internal import ProtocolMessages

/// What one or several destinations make of a job.
enum JobOutcome {
    /// A destination's result from what the worker said of its lease.
    static func destination(_ name: String, _ lease: WireLeaseFinished, job: JobPolicy) -> WireDestinationResult {
        var result = WireDestinationResult()
        result.destination = name
        result.stdout = lease.stdout
        result.stderr = lease.stderr
        result.stdoutTotal = lease.stdoutTotal
        result.stderrTotal = lease.stderrTotal
        result.durationMs = lease.durationMs
        result.groupGone = lease.groupGone
        result.error = String(lease.error.prefix(JobLimits.errorText))
        switch lease.outcome {
        case .exited:
            result.exitCode = lease.exitCode
            if job.successCodes.contains(lease.exitCode) {
                result.status = .succeeded
            } else {
                result.status = .failed
                result.reason = .exitCode
                result.error = Self.exitText(lease.exitCode)
            }
        case .timedOut:
            result.status = .timedOut
            result.reason = .timeout
        case .cancelled:
            result.status = .failed
            result.reason = .cancelled
        case .notStarted:
            result.status = .failed
            result.reason = lease.reason == .unspecified ? .unreachable : lease.reason
        case .unknown, .unspecified, .UNRECOGNIZED:
            result.status = .unknown
            result.reason = .outcomeUnknown
        }
        return result
    }

    /// The command never ran there and may yet: the only failure that is tried again.
    static func mayTryAgain(_ result: WireDestinationResult) -> Bool {
        result.status == .failed && [.unreachable, .busy].contains(result.reason)
    }

    /// The job's status: the worst of its destinations, an unknown outcome before all others.
    static func job(_ results: [WireDestinationResult]) -> (status: WireJobStatus, reason: WireReason, error: String) {
        for status in [WireJobStatus.unknown, .timedOut, .failed] {
            if let first = results.first(where: { $0.status == status }) {
                return (status, first.reason, results.count == 1 ? first.error : "\(first.destination): \(first.error)")
            }
        }
        return (.succeeded, .unspecified, "")
    }

    private static func exitText(_ code: Int32) -> String {
        switch code {
        case 126: "the command is not executable on the host (exit code 126)"
        case 127: "the command was not found on the host (exit code 127)"
        case 129...: "the command ended with exit code \(code), which a shell gives for signal \(code - 128)"
        default: "the command ended with exit code \(code)"
        }
    }
}
