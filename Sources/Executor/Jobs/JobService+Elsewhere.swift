internal import JobProtocol
internal import ProtocolMessages

/// Jobs that another executor runs, of which this one learns from the journal alone.
extension JobService {
    /// Between two looks at such a job.
    private static let lookInterval = Duration.milliseconds(200)

    /// Answers with the result of a job when that is in the journal, or with how far the job has come when the subscriber waits no longer.
    func follow(_ stored: StoredJob, _ subscriber: Subscriber) async {
        subscriber.accept(as: stored.id)
        var last = stored
        while !isDraining {
            if let current = try? await journal.find(stored.id) { last = current }
            if last.finishedAt != nil || WallClock.now() >= subscriber.request.waitUntilMs {
                return subscriber.sink.finished(subscriber.answer(StoredResult.of(last)))
            }
            // This executor may have taken it over.
            if active.join(subscriber, to: stored.id) == .waits { return }
            try? await Task.sleep(for: Self.lookInterval)
        }
    }

    /// Ends the watches of a job when its result is in the journal. Its output is not told: it stays where the job runs.
    func follow(_ jobID: String) async {
        while watchers.isWatched(jobID), !isDraining, !active.isActive(jobID) {
            if let current = try? await journal.find(jobID), current.finishedAt != nil {
                return watchers.close(jobID, StoredResult.of(current))
            }
            try? await Task.sleep(for: Self.lookInterval)
        }
    }
}
