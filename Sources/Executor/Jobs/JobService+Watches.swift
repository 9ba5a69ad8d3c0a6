internal import JobProtocol
internal import Logging
internal import ProtocolMessages

extension JobService {
    /// Answers a watch; returns at once.
    func take(_ watcher: Watcher, from ingress: String, isWanted: @escaping @Sendable () -> Bool) {
        Task(executorPreference: executor) { await self.watch(watcher, from: ingress, isWanted: isWanted) }
    }

    /// Tells an ingress how a job is that it has submitted itself, and what becomes of it. Another ingress's job is not there for it.
    ///
    /// - Parameter isWanted: whether the watch still stands; it may have ended while the journal was asked.
    func watch(_ watcher: Watcher, from ingress: String, isWanted: @Sendable () -> Bool) async {
        watchers.join(watcher)
        guard isWanted() else { return watchers.leave(watcher) }
        do throws(JournalError) {
            guard let stored = try await journal.find(watcher.jobID), stored.id == watcher.jobID, stored.ingress == ingress else {
                return watchers.refuse(watcher, .notFound)
            }
            watchers.admit(watcher, as: stored)
            if stored.finishedAt == nil, journal.shared != nil, !active.isActive(stored.id) { await follow(stored.id) }
        } catch {
            logger.error("job cannot be looked up", metadata: ["job": "\(watcher.jobID.prefix(36))", "error": "\(error)"])
            watchers.refuse(watcher, .unavailable)
        }
    }
}
