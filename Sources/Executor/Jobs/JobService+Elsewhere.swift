internal import JobProtocol
internal import Logging
internal import ProtocolMessages

/// Jobs that another executor runs, of which this one learns from the journal alone.
extension JobService {
    /// Between two looks at such a job when there is no news of it.
    private static let lookInterval = Duration.seconds(1)

    /// Answers with the result of a job when that is in the journal, or with how far the job has come when the subscriber waits no longer.
    func follow(_ stored: StoredJob, _ subscriber: Subscriber) async {
        subscriber.accept(as: stored.id)
        var last = stored
        await news.follow(stored.id) {
            guard !isDraining else { return nil }
            if let current = try? await journal.find(stored.id) { last = current }
            let left = Duration.milliseconds(subscriber.request.waitUntilMs - WallClock.now())
            if last.finishedAt != nil || left <= .zero {
                subscriber.sink.finished(subscriber.answer(StoredResult.of(last)))
                return nil
            }
            // This executor may have taken it over.
            return active.join(subscriber, to: stored.id) == .waits ? nil : min(left, Self.lookInterval)
        }
    }

    /// Ends the watches of a job when its result is in the journal. Its output is not told: it stays where the job runs.
    func follow(_ jobID: String) async {
        await news.follow(jobID) {
            guard watchers.isWatched(jobID), !isDraining, !active.isActive(jobID) else { return nil }
            guard let current = try? await journal.find(jobID), current.finishedAt != nil else { return Self.lookInterval }
            watchers.close(jobID, StoredResult.of(current))
            return nil
        }
    }

    /// Has the executor that runs a job end it, and waits for that; so does any other that takes it over meanwhile.
    func cancelElsewhere(_ id: String, by operatorName: String) async throws(JournalError) -> Cancelled {
        guard let shared = journal.shared, let stored = try await journal.find(id), stored.finishedAt == nil else {
            return .notActive
        }
        try await shared.askToCancel(id, by: operatorName)
        logger.notice("another executor is asked to cancel a job", metadata: ["job": "\(id)", "operator": "\(operatorName)"])
        let end = ContinuousClock.now + Self.cancelPatience
        var isEnded = false
        await news.follow(id) {
            isEnded = (try? await journal.find(id))?.finishedAt != nil
            return isEnded || isDraining || ContinuousClock.now >= end ? nil : Self.lookInterval
        }
        return isEnded ? .ended : .notYet
    }

    /// Ends those of this executor's jobs whose end is asked for, at whichever executor.
    func cancelAsked(in journal: any SharedJournal) async {
        for id in (try? await journal.toCancel()) ?? [] where active.isActive(id) && !active.isCancelled(id) {
            logger.notice("job is cancelled", metadata: ["job": "\(id)", "operator": "by another executor"])
            Task { await end(id) }
        }
    }

    /// Of a journal that is shared: keeps up with the other executors, until the task is cancelled.
    func keepUp(with journal: any SharedJournal) async {
        let (news, turns) = (news, turns)
        journal.listen { told in
            let cancels = told.contains { if case .cancel = $0 { true } else { false } }
            if cancels || told.isEmpty { Task { await self.cancelAsked(in: journal) } }
            let left = told.compactMap { if case .left(let id) = $0 { id } else { nil } }
            guard !left.isEmpty || told.isEmpty else { return }
            news.tell(left)
            turns?.look()
        }
        async let looks: Void? = turns?.keep()
        await adopt(from: journal)
        await looks
    }
}
