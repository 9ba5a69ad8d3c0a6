internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// What one or several destinations make of a job.
enum JobOutcome {
    /// A destination's result from what the worker said of its lease. The worker may have been taken over: it gets no more room in
    /// the job's result than the lease gave it.
    ///
    /// - Parameter share: how many destinations the job has.
    static func destination(
        _ lease: WireLease, _ finished: WireLeaseFinished, job: JobPolicy, share: Int
    ) -> WireDestinationResult {
        var result = WireDestinationResult()
        result.destination = lease.host
        result.stdout = finished.stdout.prefix(Int(lease.stdoutLimit))
        result.stderr = finished.stderr.prefix(Int(lease.stderrLimit))
        result.stdoutTotal = finished.stdoutTotal
        result.stderrTotal = finished.stderrTotal
        result.durationMs = finished.durationMs
        result.groupGone = finished.groupGone
        result.error = finished.error.clipped(toBytes: min(JobLimits.errorText, JobLimits.destinationErrors / max(1, share)))
        switch finished.outcome {
        case .exited:
            result.exitCode = finished.exitCode
            if job.successCodes.contains(finished.exitCode) {
                result.status = .succeeded
            } else {
                result.status = .failed
                result.reason = .exitCode
                result.error = Self.exitText(finished.exitCode)
            }
        case .timedOut:
            result.status = .timedOut
            result.reason = .timeout
        case .cancelled:
            result.status = .failed
            result.reason = .cancelled
        case .notStarted:
            result.status = .failed
            result.reason = finished.reason == .unspecified ? .unreachable : finished.reason
        case .unknown, .unspecified, .UNRECOGNIZED:
            result.status = job.interrupted == .fail ? .failed : .unknown
            result.reason = .outcomeUnknown
        }
        return result
    }

    /// A destination whose turn did not come, or comes no more.
    static func notTried(_ destination: String, reason: WireReason = .notTried, _ because: String) -> WireDestinationResult {
        .with {
            $0.destination = destination
            $0.status = .failed
            $0.reason = reason
            $0.error = "not tried: \(because)"
        }
    }

    /// The command never ran there and may yet, or it ended with an exit code for which the job says so: the only failures that are
    /// tried again.
    static func mayTryAgain(_ result: WireDestinationResult, job: JobPolicy) -> Bool {
        guard result.status == .failed else { return false }
        switch result.reason {
        case .unreachable, .busy: return true
        case .exitCode: return job.retry.exitCodes.contains(result.exitCode)
        default: return false
        }
    }

    /// The command was cut off, by the end of its worker or its connection, and the job says that it shall then run again.
    static func wasInterrupted(_ result: WireDestinationResult, job: JobPolicy) -> Bool {
        job.interrupted == .retry && result.status == .unknown
    }

    /// The job's status: the worst of its destinations, an unknown outcome before all others.
    static func job(_ results: [WireDestinationResult]) -> (status: WireJobStatus, reason: WireReason, error: String) {
        for status in [WireJobStatus.unknown, .timedOut, .failed] {
            let such = results.filter { $0.status == status }
            // What kept others from being tried says more than that they were not.
            if let first = such.first(where: { $0.reason != .notTried }) ?? such.first {
                return (status, first.reason, results.count == 1 ? first.error : "\(first.destination): \(first.error)")
            }
        }
        guard !results.isEmpty, results.allSatisfy({ $0.status == .succeeded }) else {
            return (.unknown, .outcomeUnknown, "not every destination has an end")
        }
        return (.succeeded, .unspecified, "")
    }

    private static func exitText(_ code: Int32) -> String {
        switch code {
        case 126: "the command is not executable on the host (exit code 126)"
        case 127: "the command was not found on the host (exit code 127)"
        case 129...192: "the command ended with exit code \(code), which a shell gives for signal \(code - 128)"
        default: "the command ended with exit code \(code)"
        }
    }
}
