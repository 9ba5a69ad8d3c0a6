internal import ProtocolMessages
internal import Synchronization

/// Unfinished jobs of this process: who waits for each, and how it is stopped.
final class ActiveJobs: Sendable {
    /// Jobs that may wait for their next attempt; one more becomes a dead letter at once.
    static let maximumPaused = 4096

    /// What a job is at.
    enum Phase: Sendable {
        /// Being claimed, recorded, or on its way to the next phase.
        case between
        /// It waits for its turn; the closure ends the wait.
        case line(@Sendable () -> Void)
        case running
        /// Waits for its next attempt, until then (Unix milliseconds).
        case paused(Task<Void, Never>, until: Int64)

        var isPaused: Bool { if case .paused = self { true } else { false } }
    }

    /// What becomes of somebody who wants to wait for a job.
    enum Joined: Equatable {
        case waits
        /// The job's next attempt comes after the subscriber's wait is over.
        case later
        /// The job is not active here.
        case gone
    }

    private struct Entry {
        var subscribers: [Subscriber] = []
        var phase = Phase.between
        /// Since when it waits in line; nil when it does not.
        var inLineSince: ContinuousClock.Instant?
        var isCancelled = false
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Entries whose phase is a pause.
        var paused = 0

        subscript(id: String) -> Entry? {
            get { entries[id] }
            set {
                paused += (newValue?.phase.isPaused == true ? 1 : 0) - (entries[id]?.phase.isPaused == true ? 1 : 0)
                entries[id] = newValue
            }
        }
    }

    private let state = Mutex(State())

    /// Jobs accepted and not finished, but for those that wait for their next attempt.
    var busyCount: Int { state.withLock { $0.entries.count - $0.paused } }
    /// Jobs that wait for their next attempt.
    var pausedCount: Int { state.withLock { $0.paused } }

    /// How long the one that waits in line for longest does; nil for none.
    var longestInLine: Duration? {
        state.withLock { $0.entries.values.lazy.compactMap(\.inLineSince).min() }.map { .now - $0 }
    }

    /// Jobs that run or are about to, that wait in line, and that wait for their next attempt.
    var counts: (running: Int, waiting: Int, postponed: Int) {
        state.withLock { state in
            let waiting = state.entries.values.count { if case .line = $0.phase { true } else { false } }
            return (state.entries.count - state.paused - waiting, waiting, state.paused)
        }
    }

    /// Enters a job, before its claim is durable, so that a duplicate that sees it in the journal finds somebody to wait with. False
    /// when it is there already.
    func begin(_ id: String) -> Bool {
        state.withLock { state in
            guard state[id] == nil else { return false }
            state[id] = Entry()
            return true
        }
    }

    /// Puts somebody beside those that wait for the job, once for each request.
    func join(_ subscriber: Subscriber, to id: String) -> Joined {
        state.withLock { state in
            guard let entry = state[id] else { return .gone }
            if case .paused(_, let until) = entry.phase, subscriber.request.waitUntilMs < until { return .later }
            state[id]?.subscribers.removeAll { $0.request.jobID == subscriber.request.jobID }
            state[id]?.subscribers.append(subscriber)
            return .waits
        }
    }

    /// The job is at another phase. False when it was cancelled, and shall go no further.
    func move(_ id: String, to phase: Phase) -> Bool {
        state.withLock { state in
            state[id]?.phase = phase
            state[id]?.inLineSince = if case .line = phase { .now } else { nil }
            return state[id]?.isCancelled != true
        }
    }

    /// As ``move(_:to:)``, for a pause. Nil when too many jobs are paused already.
    func pause(_ id: String, _ sleeper: Task<Void, Never>, until: Int64) -> Bool? {
        state.withLock { state in
            guard state.paused < Self.maximumPaused else { return nil }
            state[id]?.phase = .paused(sleeper, until: until)
            return state[id]?.isCancelled != true
        }
    }

    /// Those whose wait is over before `due`; they wait no more.
    func takeImpatient(_ id: String, before due: Int64) -> [Subscriber] {
        state.withLock { state in
            let all = state[id]?.subscribers ?? []
            state[id]?.subscribers.removeAll { $0.request.waitUntilMs < due }
            return all.filter { $0.request.waitUntilMs < due }
        }
    }

    /// All who wait for a job that has ended, and whose result is recorded or will be.
    ///
    /// - Parameter isRecorded: false keeps the job, so that who comes meanwhile waits for the record.
    func end(_ id: String, isRecorded: Bool) -> [Subscriber] {
        state.withLock { state in
            defer { state[id] = isRecorded ? nil : Entry() }
            return state[id]?.subscribers ?? []
        }
    }

    /// The job is not to go on: what it was at then, for the caller to end it; nil when it is not active here.
    func cancel(_ id: String) -> Phase? {
        state.withLock { state in
            state[id]?.isCancelled = true
            return state[id]?.phase
        }
    }

    func isCancelled(_ id: String) -> Bool { state.withLock { $0[id]?.isCancelled ?? false } }
    func isActive(_ id: String) -> Bool { state.withLock { $0[id] != nil } }
}
