internal import Audit
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization
internal import Telemetry

/// What the executor does with a request: check, claim, run, record, answer. The journal decides; memory only holds who waits.
final class JobService: Sendable {
    let policy: Policy
    let journal: any Journal
    let runner: JobRunner
    private let slots: Slots
    let logger: Logger
    /// Who watches which job.
    let watchers = JobWatchers()
    private let metrics: ExecutorMetrics
    /// Where jobs are looked after: requests and watches are begun in the order in which they came.
    let executor: any TaskExecutor
    /// Unfinished jobs of this process and who waits for each.
    private let active = Mutex<[String: [Subscriber]]>([:])

    init(
        policy: Policy, journal: any Journal, runner: JobRunner, slots: Slots, metrics: ExecutorMetrics,
        executor: any TaskExecutor, logger: Logger
    ) {
        self.policy = policy
        self.journal = journal
        self.runner = runner
        self.slots = slots
        self.metrics = metrics
        self.executor = executor
        self.logger = logger
    }

    /// The executor is stopping: requests that come now are left to the next one.
    private let draining = Atomic(false)

    /// Jobs accepted and not finished.
    var activeCount: Int { active.withLock { $0.count } }

    /// No new jobs.
    func drain() { draining.store(true, ordering: .relaxed) }

    /// Takes one request to its answer; returns at once.
    func take(_ submission: Submission, for sink: any ResultSink) {
        Task(executorPreference: executor) { await self.submit(submission, to: sink) }
    }

    /// Takes one request to its answer. Returns when it is answered or waits for a job.
    func submit(_ submission: Submission, to sink: any ResultSink) async {
        let request = submission.request
        // Unanswered, so the ingress hands it over again when the next executor has connected.
        guard !draining.load(ordering: .relaxed) else {
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
            let plan = try policy.plan(request, from: submission.ingress, now: now / 1000)
            try await begin(plan, submission, subscriber, now: now)
        } catch {
            await record(error, of: submission, now: now)
            refuse(subscriber, error)
        }
    }

    private func begin(_ plan: Policy.Plan, _ submission: Submission, _ subscriber: Subscriber, now: Int64) async throws(Refusal)
    {
        let id = submission.request.jobID
        guard slots.mayWait else { throw Refusal(.busy, "\(Slots.maximumWaiting) jobs are waiting already") }
        let needs = runner.needs(plan)
        let immediate = slots.tryAcquire(needs)
        // Before the claim is durable, so that a duplicate that sees it in the journal finds somebody to wait with.
        let isNew = active.withLock { active in
            guard active[id] == nil else { return false }
            active[id] = []
            return true
        }
        let outcome: ClaimOutcome
        do throws(JournalError) {
            outcome = try await journal.claim(
                claim(
                    submission, status: immediate ? .running : .accepted, refusal: nil, now: now,
                    AuditEvent.accepted(submission, plan, policy: policy.digest, starts: immediate, at: now)))
        } catch {
            if immediate { slots.release(needs) }
            if isNew { forget(id) }
            logger.error("job was not accepted", metadata: ["job": "\(id)", "error": "\(error)"])
            throw Refusal(.journal, "the journal cannot be written; see the executor's log")
        }
        guard case .claimed = outcome else {
            if immediate { slots.release(needs) }
            if isNew { forget(id) }
            return try await join(outcome, submission, subscriber)
        }
        subscribe(subscriber, to: id)
        subscriber.sink.accepted(id, original: id)
        metrics.accepted.increment()
        logger.info("job accepted", metadata: metadata(submission.request, ingress: submission.ingress))
        let job = RunningJob(
            request: submission.request, body: submission.body, plan: plan, needs: needs, holdsSlots: immediate, attempt: 1)
        Task(executorPreference: executor) { await self.run(job) }
    }

    private func join(_ outcome: ClaimOutcome, _ submission: Submission, _ subscriber: Subscriber) async throws(Refusal) {
        switch outcome {
        case .known(let stored): await wait(for: stored, subscriber)
        case .duplicate(let stored):
            metrics.duplicates.increment()
            journal.recordLater(AuditEvent.duplicate(submission, of: stored.id, policy: policy.digest, at: WallClock.now()))
            logger.info(
                "duplicate of an event",
                metadata: [
                    "job": "\(subscriber.request.jobID)", "original": "\(stored.id)", "status": "\(JobNames.name(stored.status))",
                ])
            await wait(for: stored, subscriber)
        case .conflict: throw Refusal(.replay, "job id was used by another request")
        case .contradiction(let stored):
            throw Refusal(.replay, "the event id was used with another body before, by job \(stored.id)")
        case .expired:
            throw Refusal(.expired, "the request was past its expires-at when it arrived; compare the clocks of both halves")
        case .claimed: break
        }
    }

    /// Answers with the stored result, or puts the subscriber beside whoever waits for the running job.
    private func wait(for stored: StoredJob, _ subscriber: Subscriber) async {
        if stored.finishedAt == nil, subscribe(subscriber, to: stored.id) {
            subscriber.sink.accepted(subscriber.request.jobID, original: stored.id)
            return
        }
        // It finished between the claim and now, or long ago.
        let current = (try? await journal.find(stored.id)) ?? stored
        subscriber.sink.finished(subscriber.answer(StoredResult.of(current)))
    }

    /// False when the job is not active here any more.
    @discardableResult
    private func subscribe(_ subscriber: Subscriber, to id: String) -> Bool {
        active.withLock { active in
            guard active[id] != nil else { return false }
            active[id]?.removeAll { $0.request.jobID == subscriber.request.jobID }
            active[id]?.append(subscriber)
            return true
        }
    }

    private func forget(_ id: String) { _ = active.withLock { $0.removeValue(forKey: id) } }

    /// Begins a job that the journal has already, with nobody waiting yet.
    func start(_ job: RunningJob) {
        active.withLock { $0[job.request.jobID] = [] }
        Task(executorPreference: executor) { await self.run(job) }
    }

    /// Runs a job that is claimed, to its recorded end, and tells everybody who waits.
    private func run(_ job: RunningJob) async {
        let id = job.request.jobID
        watchers.open(id, job.holdsSlots ? .running : .accepted, attempt: job.attempt)
        if !job.holdsSlots {
            await slots.acquire(job.needs)
            await recordStart(job)
            watchers.state(id, .running, attempt: job.attempt)
        }
        let (result, ends) = await runner.run(
            job, journal: journal, onState: { self.watchers.state(id, $0, attempt: $1) },
            onOutput: { self.watchers.output(id, $0, $1, $2) })
        slots.release(job.needs)
        await finish(id, result, ends)
    }

    /// No record, no run: an accepted job waits for its journal as long as that takes.
    private func recordStart(_ job: RunningJob) async {
        while true {
            do throws(JournalError) {
                return try await journal.mark(job.request.jobID, .running, attempt: job.attempt, job.starts)
            } catch {
                logger.error(
                    "job waits: its start cannot be recorded", metadata: ["job": "\(job.request.jobID)", "error": "\(error)"])
            }
            try? await Task.sleep(for: Self.journalPause)
        }
    }

    /// Between two tries to write what must be written.
    static let journalPause = Duration.seconds(2)

    /// Records a result and answers with it. The outcome is true even if the disk is full: it is told, and recorded as soon as that works.
    func finish(_ id: String, _ result: WireJobResult, _ events: [AuditEvent] = []) async {
        var recorded = false
        do throws(JournalError) {
            try await journal.finish(id, result, events)
            recorded = true
        } catch {
            logger.error("result is not recorded yet", metadata: ["job": "\(id)", "error": "\(error)"])
        }
        let subscribers = active.withLock { active in
            defer { if recorded { active.removeValue(forKey: id) } else { active[id] = [] } }
            return active[id] ?? []
        }
        for subscriber in subscribers { subscriber.sink.finished(subscriber.answer(result)) }
        watchers.close(id, result)
        metrics.finished(result)
        logger.info(
            "job finished",
            metadata: [
                "job": "\(id)", "status": "\(JobNames.name(result.status))", "reason": "\(JobNames.name(result.reason))",
                "attempts": "\(result.attempts)",
                "duration_ms": "\(result.durationMs)", "correlation_id": "\(result.correlationID)",
            ])
        if !recorded { Task(executorPreference: executor) { await self.recordLater(id, result, events) } }
    }

    private func recordLater(_ id: String, _ result: WireJobResult, _ events: [AuditEvent]) async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.journalPause) } catch { return }
            guard (try? await journal.finish(id, result, events)) != nil else { continue }
            logger.info("result is recorded now", metadata: ["job": "\(id)"])
            let subscribers = active.withLock { $0.removeValue(forKey: id) } ?? []
            for subscriber in subscribers { subscriber.sink.finished(subscriber.answer(result)) }
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
            ])
        subscriber.sink.finished(
            subscriber.answer(StoredResult.refused(subscriber.request, refusal, now: WallClock.now())))
    }

    /// A refusal is part of what happened to a delivery; if it cannot be written the sender is told all the same.
    private func record(_ refusal: Refusal, of submission: Submission, now: Int64, isSound: Bool = true) async {
        // The ingress hands these over again: they are put off, not refused.
        guard ![.journal, .busy].contains(refusal.reason) else { return }
        let events = AuditEvent.refused(submission, refusal, policy: policy.digest, at: now)
        guard isSound, ![.replay, .expired].contains(refusal.reason) else { return journal.recordLater(events) }
        do throws(JournalError) {
            _ = try await journal.claim(claim(submission, status: .refused, refusal: refusal, now: now, events))
        } catch {
            logger.error("refusal is not recorded", metadata: ["job": "\(submission.request.jobID)", "error": "\(error)"])
        }
    }

    /// What is kept of a request: all of it but the signature of the caller's token, without which the token opens nothing.
    private static func kept(_ submission: Submission) -> [UInt8] {
        guard !submission.request.token.isEmpty else { return submission.payload }
        var request = submission.request
        let parts = request.token.split(separator: ".", omittingEmptySubsequences: false)
        request.token = parts.count == 3 ? "\(parts[0]).\(parts[1])." : ""
        return (try? request.serializedBytes()) ?? []
    }

    private func claim(
        _ submission: Submission, status: WireJobStatus, refusal: Refusal?, now: Int64, _ events: [AuditEvent]
    ) -> JobClaim {
        JobClaim(
            request: submission.request, payload: Self.kept(submission), keyID: submission.envelope.keyID,
            signature: [UInt8](submission.envelope.signature), digest: submission.digest, ingress: submission.ingress,
            body: submission.body, status: status, refusal: refusal,
            expired: RequestCheck.isExpired(submission.request, now: now), now: now, events: events)
    }

    private func metadata(_ request: WireJobRequest, ingress: String) -> Logger.Metadata {
        [
            "job": "\(request.jobID)", "name": "\(request.job)", "hook": "\(request.hook)", "ingress": "\(ingress)",
            "event": "\(request.eventID)", "attempt": "\(request.attempt)", "correlation_id": "\(request.correlationID)",
        ]
    }
}
