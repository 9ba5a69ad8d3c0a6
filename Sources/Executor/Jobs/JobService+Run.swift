internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import Telemetry

/// One job from its place in the line to its end: attempts, and the waits between them.
///
/// Between two attempts a job gives back what it holds but for its lane, in which nobody shall overtake it. When it goes on and how far it
/// has come is in the journal before it waits; the next executor takes it from there.
extension JobService {
    /// Where a job begins.
    enum Start {
        case line(Slots.Ticket, Standing)
        /// After a restart: in its lane, and at its next attempt not before then (Unix milliseconds).
        case postponed(Slots.Ticket, until: Int64)
    }

    /// What the waits of a job come to.
    private enum Turn {
        case go
        case end(WireJobResult)
        /// The executor stops: the journal has the job.
        case left
    }

    /// Begins a job that the journal has already, with nobody waiting yet. Places in the line are taken in the order of the calls.
    ///
    /// - Parameter until: when its next attempt is due, in Unix milliseconds; nil for at once.
    func start(_ job: RunningJob, until: Int64? = nil) {
        _ = active.begin(job.id)
        let lane = laneNeeds(job.plan)
        let start =
            if let until {
                Start.postponed(slots.reenter(lane), until: until)
            } else {
                Start.line(slots.reenter(lane + runner.runNeeds(job.plan)), .outside)
            }
        Task(executorPreference: executor) { await self.run(job, from: start) }
    }

    /// Runs a job that is claimed, to its recorded end, and tells everybody who waits.
    func run(_ job: RunningJob, from start: Start) async {
        var job = job
        var held: [Slots.Need] = []
        let result = await course(of: &job, from: start, &held)
        slots.release(held)
        guard let result else {
            // The ingress hands its requests over again when the next executor has connected.
            _ = active.end(job.id, isRecorded: true)
            return
        }
        await finish(job.request, result, job.ends)
    }

    /// - Returns: nil when the job is left to the next executor.
    private func course(of job: inout RunningJob, from start: Start, _ held: inout [Slots.Need]) async -> WireJobResult? {
        let id = job.id
        var ticket: Slots.Ticket
        var standing = Standing.outside
        switch start {
        case .line(let place, let claimed): (ticket, standing) = (place, claimed)
        case .postponed(let lane, let until):
            watchers.open(id, .accepted, attempt: job.attempts.number)
            switch await turn(lane, job, &held) {
            case .go: break
            case .end(let result): return result
            case .left: return nil
            }
            switch await pause(&job, until: until) {
            case .go: ticket = slots.reenter(runner.runNeeds(job.plan))
            case .end(let result): return result
            case .left: return nil
            }
        }
        // With a claim that holds everything the journal says so.
        var isRecorded = if case .holds = standing { true } else { false }
        watchers.open(id, isRecorded ? .running : .accepted, attempt: job.attempts.number)
        while true {
            switch await turn(ticket, standing, job, &held) {
            case .go: standing = .inLane
            case .end(let result): return result
            case .left: return nil
            }
            if !isRecorded {
                await recordStart(&job)
                watchers.state(id, .running, attempt: job.attempts.number)
            }
            isRecorded = false
            guard active.move(id, to: .running) else { return StoredResult.cancelled(job, now: WallClock.now()) }
            metrics.began(job.request.job, waited: job.attempts.number == 1 ? WallClock.now() - job.acceptedAt : nil)
            let (watchers, active) = (watchers, active)
            let turns = JobRunner.Turns(
                isCancelled: { active.isCancelled(id) }, isDraining: { self.isDraining },
                record: { await self.recordTurn(&$0, next: $1) })
            let isLeft = await runner.attempt(&job, journal: journal, turns: turns, onOutput: { watchers.output(id, $0, $1, $2) })
            _ = active.move(id, to: .between)
            if isLeft {
                await leave(&job)
                return nil
            }
            switch await afterAttempt(&job, &held) {
            case .go: ticket = slots.reenter(runner.runNeeds(job.plan))
            case .end(let result): return result
            case .left: return nil
            }
        }
    }

    /// Waits until the job holds what it needs, here and, where the journal is shared, among all executors.
    ///
    /// Who waits for its lane stands in no other line, and who holds places waits for nothing: so nobody waits for one who waits for him.
    private func turn(
        _ ticket: Slots.Ticket, _ standing: Standing, _ job: RunningJob, _ held: inout [Slots.Need]
    ) async -> Turn {
        guard let turns else { return await turn(ticket, job, &held) }
        let id = job.id
        var ticket = ticket
        if case .outside = standing, !runner.laneNeeds(job.plan).isEmpty {
            slots.leave(ticket)
            turns.enter(id, .lane)
            if let end = await wait(job, { turns.cancel(id) }, { await turns.wait(id) }) { return end }
            ticket = slots.reenter(runner.runNeeds(job.plan))
        }
        let here = await turn(ticket, job, &held)
        guard case .go = here else { return here }
        switch standing {
        case .holds: return .go
        case .entered: break
        case .outside, .inLane: if await enter(job, turns.journal) { return .go }
        }
        turns.enter(id, .places)
        return await wait(job, { turns.cancel(id) }, { await turns.wait(id) }) ?? inTime(job)
    }

    /// In the lines for its places; true when it holds them already. It waits for its journal as long as that takes.
    private func enter(_ job: RunningJob, _ journal: any SharedJournal) async -> Bool {
        while true {
            do throws(JournalError) {
                return try await journal.enter(job.id, runner.places(job.plan))
            } catch {
                logger.error("job waits: its places cannot be recorded", metadata: ["job": "\(job.id)", "error": "\(error)"])
            }
            try? await Task.sleep(for: Self.journalPause)
        }
    }

    /// Waits in the line of this process.
    private func turn(_ ticket: Slots.Ticket, _ job: RunningJob, _ held: inout [Slots.Need]) async -> Turn {
        let slots = slots
        if !ticket.isGranted, let end = await wait(job, { _ = slots.cancel(ticket) }, { await slots.wait(ticket) }) { return end }
        held += ticket.needs
        return inTime(job)
    }

    /// Waits in a line that the job stands in. Nil when its turn has come; else its deadline has, or somebody has cancelled it.
    private func wait(_ job: RunningJob, _ leave: @escaping @Sendable () -> Void, _ turn: () async -> Bool) async -> Turn? {
        var clock: Task<Void, Never>?
        if let left = job.left(at: WallClock.now()) {
            clock = Task {
                guard (try? await Task.sleep(for: max(left, .zero))) != nil else { return }
                leave()
            }
        }
        defer { clock?.cancel() }
        if !active.move(job.id, to: .line(leave)) { leave() }
        guard await turn() else {
            let now = WallClock.now()
            if active.isCancelled(job.id) { return .end(StoredResult.cancelled(job, now: now)) }
            return isDraining ? .left : .end(StoredResult.late(job, now: now))
        }
        _ = active.move(job.id, to: .between)
        return nil
    }

    /// Not to be begun when its deadline has come.
    private func inTime(_ job: RunningJob) -> Turn {
        guard let left = job.left(at: WallClock.now()), left <= .zero else { return .go }
        return .end(StoredResult.late(job, now: WallClock.now()))
    }

    /// What follows an attempt: the end, or a wait for the next one.
    private func afterAttempt(_ job: inout RunningJob, _ held: inout [Slots.Need]) async -> Turn {
        let made = job.attempts.number
        let now = WallClock.now()
        guard !active.isCancelled(job.id) else { return .end(runner.sum(job, attempts: made, now: now)) }
        switch job.attempts.next(job.plan.job, left: job.left(at: now), jitter: .random(in: 0...1)) {
        case .end: return .end(runner.sum(job, attempts: made, now: now))
        case .dead: return .end(runner.sum(job, attempts: made, isDead: true, now: now))
        case .again(let wait):
            let lane = laneNeeds(job.plan)
            slots.release(Array(held.dropFirst(lane.count)))
            held = lane
            let last = runner.sum(job, attempts: made, now: now)
            let due = now + wait.milliseconds
            await postpone(&job, until: due, last)
            for subscriber in active.takeImpatient(job.id, before: due) {
                subscriber.sink.finished(subscriber.answer(StoredResult.postponed(job, last)))
            }
            return await pause(&job, until: due)
        }
    }

    private func postpone(_ job: inout RunningJob, until due: Int64, _ last: WireJobResult) async {
        metrics.retries.increment()
        logger.notice(
            "command did not start, was cut off or asked for it: trying again",
            metadata: [
                "job": "\(job.id)", "attempt": "\(job.attempts.number)", "wait_ms": "\(max(0, due - WallClock.now()))",
                "reason": "\(JobNames.name(last.reason))",
            ])
        do throws(JournalError) {
            try await journal.postpone(job.id, attempt: job.attempts.number, until: due, last, job.ends)
            job.ends = []
        } catch {
            // It goes on here; another executor would find it running, and follow its `interrupted` rule.
            logger.error("retry is not recorded", metadata: ["job": "\(job.id)", "error": "\(error)"])
        }
        watchers.state(job.id, .accepted, attempt: job.attempts.number)
    }

    /// Leaves the rest of a sequence to the next executor, as an attempt that is due now.
    private func leave(_ job: inout RunningJob) async {
        job.attempts.continueLater()
        var last = StoredResult.postponed(job, runner.sum(job, attempts: job.attempts.number, now: WallClock.now()))
        last.reason = .notTried
        await postpone(&job, until: WallClock.now(), last)
    }

    /// Sleeps until the next attempt is due. The body is left to the journal meanwhile.
    private func pause(_ job: inout RunningJob, until due: Int64) async -> Turn {
        // A clock that was set back must not put the attempt off for longer than any back-off.
        let wait = min(max(0, due - WallClock.now()), job.plan.job.retry.maximumBackoff.milliseconds)
        let sleeper = Task { _ = try? await Task.sleep(for: .milliseconds(wait)) }
        job.body = nil
        switch active.pause(job.id, sleeper, until: due) {
        case nil:
            sleeper.cancel()
            var result = runner.sum(job, attempts: job.attempts.number - 1, isDead: true, now: WallClock.now())
            result.error = "\(ActiveJobs.maximumPaused) jobs wait for their next attempt already; \(result.error)"
                .clipped(toBytes: JobLimits.errorText)
            return .end(result)
        case false?: sleeper.cancel()
        case true?: await sleeper.value
        }
        guard active.move(job.id, to: .between) else { return .end(StoredResult.cancelled(job, now: WallClock.now())) }
        guard !isDraining else { return .left }
        if job.plan.job.standardInput == .body { job.body = await storedBody(job.id) }
        return .go
    }

    private func storedBody(_ id: String) async -> [UInt8]? {
        while true {
            do throws(JournalError) {
                return try await journal.find(id)?.body
            } catch {
                logger.error("job waits: its body cannot be read", metadata: ["job": "\(id)", "error": "\(error)"])
            }
            try? await Task.sleep(for: Self.journalPause)
        }
    }
}
