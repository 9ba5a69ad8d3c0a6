internal import Audit
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization
internal import Telemetry

/// What the executor does with a request: check, claim, run, record, answer. The journal decides; memory only holds who waits.
final class JobService: Sendable {
    let rules: Rules
    let journal: any Journal
    let runner: JobRunner
    let slots: Slots
    let logger: Logger
    /// Turns that depend on other executors, where the journal is shared. What holds among all of them is then the journal's to decide:
    /// lanes and rates, and places beside those of ``slots``.
    let turns: SharedTurns?
    let news = JobNews()
    /// Who watches which job.
    let watchers = JobWatchers()
    let metrics: ExecutorMetrics
    /// Where jobs are looked after: requests and watches are begun in the order in which they came.
    let executor: any TaskExecutor
    let active = ActiveJobs()
    private let rates = JobRates()

    init(
        rules: Rules, journal: any Journal, runner: JobRunner, slots: Slots, metrics: ExecutorMetrics,
        executor: any TaskExecutor, logger: Logger
    ) {
        self.rules = rules
        self.journal = journal
        turns = journal.shared.map { SharedTurns($0) }
        self.runner = runner
        self.slots = slots
        self.metrics = metrics
        self.executor = executor
        self.logger = logger
    }

    /// The executor is stopping: requests that come now are left to the next one.
    private let draining = Atomic(false)

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// No new jobs, and none that waits in line begins: the journal has it for the next executor.
    func drain() {
        draining.store(true, ordering: .relaxed)
        slots.close()
        turns?.close()
    }

    /// Takes one request to its answer; returns at once.
    func take(_ submission: Submission, for sink: any ResultSink) {
        Task(executorPreference: executor) { await self.submit(submission, to: sink) }
    }

    /// Takes one request to its answer. Returns when it is answered or waits for a job.
    func submit(_ submission: Submission, to sink: any ResultSink) async {
        let request = submission.request
        // Unanswered, so the ingress hands it over again when the next executor has connected.
        guard !isDraining else {
            return logger.notice("request is left to the next executor", metadata: ["job": "\(request.jobID.prefix(36))"])
        }
        let subscriber = Subscriber(request: request, digest: submission.digest, sink: sink)
        let now = WallClock.now()
        do throws(Refusal) {
            try RequestCheck.validate(request)
        } catch {
            await record(error, of: submission, now: now, isSound: false)
            return refuse(subscriber, error)
        }
        do throws(Refusal) {
            let policy = rules.now.policy
            let verified = try policy.verified(submission, now: now / 1000)
            let plan = try policy.plan(verified.request, from: submission.ingress, now: now / 1000)
            try await join(try await begin(plan, verified, subscriber, now: now), verified, subscriber)
        } catch {
            // Handed over again: what has expired or changed since was good when the job was accepted.
            if let stored = try? await journal.find(request.jobID), stored.id == request.jobID, stored.digest == submission.digest
            {
                return await wait(for: stored, subscriber)
            }
            await record(error, of: submission, now: now)
            refuse(subscriber, error)
        }
    }

    /// Claims a job and sets it going; any other outcome than claimed has changed nothing.
    func begin(
        _ plan: Policy.Plan, _ submission: Submission, _ subscriber: Subscriber, now: Int64
    ) async throws(Refusal) -> ClaimOutcome {
        let id = submission.request.jobID
        guard turns != nil || rates.take(plan.job, now: JobRates.now()) else {
            throw Refusal(.busy, "job \(plan.job.name) is asked for more often than its rate allows")
        }
        guard (turns?.waitingCount ?? 0) < Slots.maximumWaiting, let ticket = slots.enter(laneNeeds(plan) + runner.runNeeds(plan))
        else {
            rates.giveBack(plan.job)
            throw Refusal(.busy, "too many jobs are waiting already, in all or in the lane of this one")
        }
        let isNew = active.begin(id)
        let outcome: ClaimOutcome
        do throws(JournalError) {
            outcome = try await journal.claim(claim(submission, plan, starts: ticket.isGranted, now: now))
        } catch {
            giveUp(plan, ticket, isNew ? id : nil)
            logger.error("job was not accepted", metadata: ["job": "\(id)", "error": "\(error)"])
            throw Refusal(.journal, "the journal cannot be written: \(error.cause.rawValue)")
        }
        guard case .claimed(let standing) = outcome else {
            giveUp(plan, ticket, isNew ? id : nil)
            return outcome
        }
        _ = active.join(subscriber, to: id)
        subscriber.accept(as: id)
        metrics.accepted.increment()
        logger.info("job accepted", metadata: metadata(submission.request, ingress: submission.ingress))
        let job = RunningJob(request: submission.request, body: submission.body, plan: plan, acceptedAt: now)
        Task(executorPreference: executor) { await self.run(job, from: .line(ticket, standing)) }
        return outcome
    }

    /// The request became no new job.
    private func giveUp(_ plan: Policy.Plan, _ ticket: Slots.Ticket, _ id: String?) {
        slots.leave(ticket)
        rates.giveBack(plan.job)
        if let id { _ = active.end(id, isRecorded: true) }
    }

    private func join(_ outcome: ClaimOutcome, _ submission: Submission, _ subscriber: Subscriber) async throws(Refusal) {
        switch outcome {
        case .known(let stored): await wait(for: stored, subscriber)
        case .duplicate(let stored):
            metrics.duplicates.increment()
            journal.recordLater(
                AuditEvent.duplicate(submission, of: stored.id, policy: rules.now.policy.digest, at: WallClock.now()))
            logger.info(
                "duplicate of an event",
                metadata: [
                    "job": "\(subscriber.request.jobID)", "original": "\(stored.id)", "status": "\(JobNames.name(stored.status))",
                ].traced(subscriber.request.trace))
            await wait(for: stored, subscriber)
        case .conflict: throw Refusal(.replay, "job id was used by another request")
        case .contradiction(let stored):
            throw Refusal(.replay, "the event id was used with another body before, by job \(stored.id)")
        case .expired:
            throw Refusal(.expired, "the request was past its expires-at when it arrived; compare the clocks of both halves")
        case .busy(let reason): throw Refusal(.busy, reason)
        case .claimed: break
        }
    }

    /// Answers with the stored result, or puts the subscriber beside whoever waits for the running job.
    private func wait(for stored: StoredJob, _ subscriber: Subscriber) async {
        if stored.finishedAt == nil {
            switch active.join(subscriber, to: stored.id) {
            case .waits: return subscriber.accept(as: stored.id)
            case .later: subscriber.accept(as: stored.id)
            case .gone: break
            }
        }
        // It waits for a later attempt, runs at another executor, finished between the claim and now, or finished long ago.
        let current = (try? await journal.find(stored.id)) ?? stored
        if current.finishedAt == nil, journal.shared != nil, !active.isActive(stored.id) {
            return await follow(current, subscriber)
        }
        subscriber.sink.finished(subscriber.answer(StoredResult.of(current)))
    }

    /// No record, no run: an accepted job waits for its journal as long as that takes.
    func recordStart(_ job: inout RunningJob) async {
        if job.plan.job.order.isSequence, let first = job.attempts.open(job.plan).first {
            return await recordTurn(&job, next: first)
        }
        await untilRecorded(&job) { job, journal throws(JournalError) in
            try await journal.mark(job.id, .running, attempt: job.attempts.number, job.ends + job.starts)
        }
    }

    /// The same for each turn of a sequence: what is behind, and who is next.
    func recordTurn(_ job: inout RunningJob, next: Policy.Run) async {
        await untilRecorded(&job) { job, journal throws(JournalError) in
            try await journal.advance(
                job.id, attempt: job.attempts.number, job.progress(while: next), job.ends + [job.start(next)])
        }
    }

    private func untilRecorded(
        _ job: inout RunningJob, _ write: @Sendable (RunningJob, any Journal) async throws(JournalError) -> Void
    ) async {
        while true {
            do throws(JournalError) {
                try await write(job, journal)
                job.ends = []
                return
            } catch {
                logger.error(
                    "job waits: its start cannot be recorded", metadata: ["job": "\(job.id)", "error": "\(error)"])
            }
            try? await Task.sleep(for: Self.journalPause)
        }
    }

    /// Between two tries to write what must be written.
    static let journalPause = Duration.seconds(2)

    /// Records a result and answers with it. The outcome is true even if the disk is full: it is told, and recorded as soon as that works.
    func finish(_ request: WireJobRequest, _ result: WireJobResult, _ events: [AuditEvent] = []) async {
        let id = request.jobID
        var recorded = false
        do throws(JournalError) {
            try await journal.finish(id, result, events)
            recorded = true
        } catch {
            logger.error("result is not recorded yet", metadata: ["job": "\(id)", "error": "\(error)"])
        }
        let subscribers = active.end(id, isRecorded: recorded)
        for subscriber in subscribers { subscriber.sink.finished(subscriber.answer(result)) }
        watchers.close(id, result)
        metrics.finished(request.job, result)
        runner.tracer.ended(request, result)
        logger.info(
            "job finished",
            metadata: [
                "job": "\(id)", "status": "\(JobNames.name(result.status))", "reason": "\(JobNames.name(result.reason))",
                "attempts": "\(result.attempts)",
                "duration_ms": "\(result.durationMs)", "correlation_id": "\(result.correlationID)",
            ].traced(request.trace))
        if !recorded { Task(executorPreference: executor) { await self.recordLater(id, result, events) } }
    }

    private func recordLater(_ id: String, _ result: WireJobResult, _ events: [AuditEvent]) async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.journalPause) } catch { return }
            guard (try? await journal.finish(id, result, events)) != nil else { continue }
            logger.info("result is recorded now", metadata: ["job": "\(id)"])
            for subscriber in active.end(id, isRecorded: true) { subscriber.sink.finished(subscriber.answer(result)) }
            watchers.close(id, result)
            return
        }
    }

    private func refuse(_ subscriber: Subscriber, _ refusal: Refusal) {
        metrics.refused.with(JobNames.name(refusal.reason)).increment()
        logger.notice(
            "job refused",
            metadata: [
                "job": "\(subscriber.request.jobID.prefix(36))", "reason": "\(JobNames.name(refusal.reason))",
                "error": "\(refusal.message)",
                "correlation_id": "\(subscriber.request.correlationID.prefix(JobLimits.correlationID))",
            ].traced(subscriber.request.trace))
        subscriber.sink.finished(
            subscriber.answer(StoredResult.refused(subscriber.request, refusal, now: WallClock.now())))
    }

    /// A refusal is part of what happened to a delivery; if it cannot be written the sender is told all the same.
    private func record(_ refusal: Refusal, of submission: Submission, now: Int64, isSound: Bool = true) async {
        // The ingress hands these over again: they are put off, not refused.
        guard ![.journal, .busy].contains(refusal.reason) else { return }
        let events = AuditEvent.refused(submission, refusal, policy: rules.now.policy.digest, at: now)
        guard isSound, ![.replay, .expired].contains(refusal.reason) else { return journal.recordLater(events) }
        do throws(JournalError) {
            _ = try await journal.claim(claim(submission, on: [], status: .refused, refusal: refusal, now: now, events))
        } catch {
            logger.error("refusal is not recorded", metadata: ["job": "\(submission.request.jobID)", "error": "\(error)"])
        }
        runner.tracer.ended(submission.request, StoredResult.refused(submission.request, refusal, now: now))
    }

    /// What is kept of a request: all of it but the signature of the caller's token, without which the token opens nothing; of one whose
    /// sender was verified what the sender has signed.
    private static func kept(_ submission: Submission) -> [UInt8] {
        guard !submission.request.token.isEmpty || submission.isVerified else { return submission.payload }
        var request = submission.request
        let parts = request.token.split(separator: ".", omittingEmptySubsequences: false)
        request.token = parts.count == 3 ? "\(parts[0]).\(parts[1])." : ""
        return (try? request.serializedBytes()) ?? []
    }

    /// The lane that is kept here; of a journal that is shared it is kept there.
    func laneNeeds(_ plan: Policy.Plan) -> [Slots.Need] { turns == nil ? runner.laneNeeds(plan) : [] }

    /// - Parameter starts: nothing here is against beginning at once.
    private func claim(_ submission: Submission, _ plan: Policy.Plan, starts: Bool, now: Int64) -> JobClaim {
        let digest = rules.now.policy.digest
        var claim = claim(
            submission, on: plan.runs.map(\.destination), status: starts ? .running : .accepted, refusal: nil, now: now,
            AuditEvent.accepted(submission, plan, policy: digest, starts: starts, at: now))
        if turns != nil {
            claim.limits = SharedLimits(
                lane: runner.laneNeeds(plan).first.map { ($0.key, $0.queue) }, places: starts ? runner.places(plan) : [],
                rate: plan.job.rate,
                waiting: starts ? AuditEvent.accepted(submission, plan, policy: digest, starts: false, at: now) : [])
        }
        return claim
    }

    private func claim(
        _ submission: Submission, on hosts: [String], status: WireJobStatus, refusal: Refusal?, now: Int64,
        _ events: [AuditEvent]
    ) -> JobClaim {
        JobClaim(
            request: submission.request, payload: Self.kept(submission), keyID: submission.envelope.keyID,
            signature: [UInt8](submission.envelope.signature), digest: submission.digest, ingress: submission.ingress,
            body: submission.body, hosts: hosts, replay: submission.replay, status: status, refusal: refusal,
            expired: RequestCheck.isExpired(submission.request, now: now), now: now, events: events)
    }

    private func metadata(_ request: WireJobRequest, ingress: String) -> Logger.Metadata {
        [
            "job": "\(request.jobID)", "name": "\(request.job)", "hook": "\(request.hook)", "ingress": "\(ingress)",
            "event": "\(request.eventID)", "attempt": "\(request.attempt)", "correlation_id": "\(request.correlationID)",
        ].traced(request.trace)
    }
}
