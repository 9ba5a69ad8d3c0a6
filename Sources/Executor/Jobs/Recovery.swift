internal import JobProtocol
internal import Logging
internal import ProtocolMessages

/// What becomes, at start, of the jobs a previous process left unfinished.
///
/// Accepted ones had not begun and are run. Running ones may have run: their policy's `interrupted` rule decides.
extension JobService {
    /// Settles or starts every unfinished job, the latter in the order in which they came. Call before the first ingress is dialled.
    func recover() async throws(JournalError) { await recover(try await journal.unfinished()) }

    /// Between two looks for jobs of executors that are gone.
    static let adoptionInterval = Duration.seconds(5)

    /// Until the task is cancelled: does the same with jobs of other executors that are gone.
    func adopt(from journal: any SharedJournal) async {
        while !Task.isCancelled, !isDraining {
            let left = (try? await journal.adopt()) ?? []
            if !left.isEmpty {
                logger.warning("jobs of an executor that is gone are taken over", metadata: ["jobs": "\(left.count)"])
                await recover(left)
                // There may be more of them.
                continue
            }
            await cancelAsked(in: journal)
            do { try await Task.sleep(for: Self.adoptionInterval) } catch { return }
        }
    }

    private func recover(_ left: [StoredJob]) async {
        // Results that go to disk together are one write of it: a thousand would otherwise be a thousand.
        await withTaskGroup { settling in
            for stored in left { if let settle = recover(stored) { settling.addTask(operation: settle) } }
        }
    }

    /// Starts a job, or says how it is to be settled.
    private func recover(_ stored: StoredJob) -> (@Sendable () async -> Void)? {
        let plan: Policy.Plan
        do throws(Refusal) {
            plan = try rules.now.policy.plan(
                stored.request, from: stored.ingress, now: stored.acceptedAt / 1000, tokenIsVerified: true)
        } catch {
            let refusal = error
            return {
                let now = WallClock.now()
                guard stored.status != .running else {
                    return await self.settle(stored, StoredResult.interrupted(stored, nil, status: .unknown, now: now))
                }
                let result =
                    stored.progress.map { StoredResult.refusedLater(stored, $0, refusal, now: now) }
                    ?? StoredResult.refused(stored.request, refusal, now: now)
                await self.settle(stored, result)
            }
        }
        switch (stored.status, plan.job.interrupted) {
        case (.running, .unknown), (.running, .fail):
            let status = plan.job.interrupted == .fail ? WireJobStatus.failed : .unknown
            return { await self.settle(stored, StoredResult.interrupted(stored, plan, status: status, now: WallClock.now())) }
        default:
            let job = next(stored, plan)
            // Whoever had it was told to end it, and nobody begins it again.
            guard !stored.isCancelled else {
                return { await self.settle(stored, StoredResult.cancelled(job, now: WallClock.now())) }
            }
            logger.notice(
                "job goes on after a restart", metadata: ["job": "\(stored.id)", "was": "\(JobNames.name(stored.status))"])
            start(job, until: stored.dueAt)
            return nil
        }
    }

    private func settle(_ stored: StoredJob, _ result: WireJobResult) async {
        logger.warning(
            "job was cut off by a restart",
            metadata: [
                "job": "\(stored.id)", "was": "\(JobNames.name(stored.status))", "becomes": "\(JobNames.name(result.status))",
            ])
        await finish(stored.request, result)
    }

    /// The job with its next attempt.
    private func next(_ stored: StoredJob, _ plan: Policy.Plan) -> RunningJob {
        let again = stored.status == .running
        let attempts = Attempts(
            number: again ? stored.attempt + 1 : stored.attempt,
            results: again ? StoredResult.cutOff(stored, plan, as: .unknown) : stored.progress?.destinations ?? [])
        // A body is read when the next attempt is due.
        return RunningJob(
            request: stored.request, body: stored.dueAt == nil ? stored.body : nil, plan: plan, acceptedAt: stored.acceptedAt,
            attempts: attempts)
    }
}
