internal import JobProtocol
internal import Logging
internal import ProtocolMessages

/// What becomes, at start, of the jobs a previous process left unfinished.
///
/// Accepted ones had not begun and are run. Running ones may have run: their policy's `interrupted` rule decides.
extension JobService {
    /// Settles or starts every unfinished job. Call before the first ingress is dialled.
    func recover() async throws(JournalError) {
        for stored in try await journal.unfinished() {
            let plan: Policy.Plan
            do throws(Refusal) {
                plan = try rules.now.policy.plan(
                    stored.request, from: stored.ingress, now: stored.acceptedAt / 1000, tokenIsVerified: true)
            } catch {
                let refused = stored.status == .running ? nil : error
                await settle(stored, refused: refused, as: .unknown)
                continue
            }
            switch (stored.status, plan.job.interrupted) {
            case (.running, .unknown): await settle(stored, plan, refused: nil, as: .unknown)
            case (.running, .fail): await settle(stored, plan, refused: nil, as: .failed)
            default: await resume(stored, plan)
            }
        }
    }

    private func settle(_ stored: StoredJob, _ plan: Policy.Plan? = nil, refused: Refusal?, as status: WireJobStatus) async {
        let now = WallClock.now()
        let result =
            refused.map { StoredResult.refused(stored.request, $0, now: now) }
            ?? StoredResult.interrupted(stored, on: plan?.runs.map(\.destination) ?? [], status: status, now: now)
        logger.warning(
            "job was cut off by a restart",
            metadata: [
                "job": "\(stored.id)", "was": "\(JobNames.name(stored.status))", "becomes": "\(JobNames.name(result.status))",
            ])
        await finish(stored.id, result)
    }

    private func resume(_ stored: StoredJob, _ plan: Policy.Plan) async {
        let again = stored.status == .running
        let attempts = Attempts(number: again ? stored.attempt + 1 : stored.attempt, results: stored.progress?.destinations ?? [])
        logger.notice("job goes on after a restart", metadata: ["job": "\(stored.id)", "was": "\(JobNames.name(stored.status))"])
        // A body is read when the next attempt is due.
        start(
            RunningJob(
                request: stored.request, body: stored.dueAt == nil ? stored.body : nil, plan: plan, acceptedAt: stored.acceptedAt,
                attempts: attempts), until: stored.dueAt)
    }
}
