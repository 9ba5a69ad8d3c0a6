internal import JobProtocol
internal import ProtocolMessages
internal import Telemetry

/// Destinations one after the other, in their order.
extension JobRunner {
    /// What a sequence needs of whom it runs for.
    struct Turns: Sendable {
        /// An operator has cancelled the job.
        let isCancelled: @Sendable () -> Bool
        /// The executor stops: no other turn begins here.
        let isDraining: @Sendable () -> Bool
        /// Records, durably, what has been so far and that this one is next.
        let record: @Sendable (inout RunningJob, Policy.Run) async -> Void
    }

    /// - Parameter stops: at the first that does not succeed.
    /// - Returns: true when the rest is left to the next executor.
    func inTurn(
        _ runs: [Policy.Run], _ job: inout RunningJob, stops: Bool, _ turns: Turns, journal: any Journal,
        onOutput: @escaping @Sendable (String, WireStream, [UInt8]) -> Void
    ) async -> Bool {
        for (index, run) in runs.enumerated() {
            if index > 0 {
                if let end = end(of: job, turns) { return skip(runs[index...], &job, end.reason, end.text) }
                guard !turns.isDraining() else { return true }
                await turns.record(&job, run)
                // The journal may have kept it waiting.
                if let end = end(of: job, turns) { return skip(runs[index...], &job, end.reason, end.text) }
            }
            let result = await command(run, job, share: job.plan.runs.count, journal: journal, onOutput: onOutput)
            job.take([result])
            if stops, result.status != .succeeded {
                let text = "\(run.destination), which comes before it, did not succeed (\(JobNames.name(result.status)))"
                return skip(runs[(index + 1)...], &job, .notTried, text)
            }
        }
        return false
    }

    /// Why nothing more begins.
    private func end(of job: RunningJob, _ turns: Turns) -> (reason: WireReason, text: String)? {
        if turns.isCancelled() { return (.cancelled, "an operator cancelled the job before its turn") }
        guard let left = job.left(at: WallClock.now()), left <= .zero else { return nil }
        return (.timeout, "the job's deadline came before its turn")
    }

    private func skip(_ runs: ArraySlice<Policy.Run>, _ job: inout RunningJob, _ reason: WireReason, _ text: String) -> Bool {
        job.skip(
            runs.map {
                JobOutcome.notTried($0.destination, reason: $0.destination == runs.first?.destination ? reason : .notTried, text)
            })
        return false
    }
}
