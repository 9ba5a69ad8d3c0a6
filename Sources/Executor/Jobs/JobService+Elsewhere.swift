internal import JobProtocol
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

    /// Of a journal that is shared: keeps up with the other executors, until the task is cancelled.
    func keepUp(with journal: any SharedJournal) async {
        let (news, turns) = (news, turns)
        journal.listen { jobIDs in
            news.tell(jobIDs)
            turns?.look()
        }
        async let looks: Void? = turns?.keep()
        await adopt(from: journal)
        await looks
    }
}
