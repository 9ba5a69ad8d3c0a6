internal import Synchronization

/// Who wants to hear of jobs that other executors write about.
final class JobNews: Sendable {
    /// One who looks at a job and waits for news of it.
    private final class Follower: Sendable {
        private enum State {
            case looks
            /// There was news since the last wait.
            case told
            case waits(CheckedContinuation<Void, Never>)
        }

        private let state = Mutex(State.looks)

        func tell() {
            let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard case .waits(let continuation) = state else {
                    state = .told
                    return nil
                }
                state = .looks
                return continuation
            }
            waiting?.resume()
        }

        /// Returns when there is news, or was since the last time; after `limit` in any case.
        func wait(within limit: Duration) async {
            let clock = Task {
                guard (try? await Task.sleep(for: limit)) != nil else { return }
                tell()
            }
            await withCheckedContinuation { continuation in
                let isTold = state.withLock { state in
                    if case .told = state {
                        state = .looks
                        return true
                    }
                    state = .waits(continuation)
                    return false
                }
                if isTold { continuation.resume() }
            }
            clock.cancel()
        }
    }

    private let followers = Mutex<[String: [Follower]]>([:])

    /// There is news of these jobs; of none: there may be, of any.
    func tell(_ jobIDs: [String]) {
        let told = followers.withLock { followers in
            jobIDs.isEmpty ? followers.values.flatMap(\.self) : jobIDs.flatMap { followers[$0] ?? [] }
        }
        for follower in told { follower.tell() }
    }

    /// Calls `look` until it returns nil: at once, whenever there is news of the job, and after as long as it says in any case.
    func follow(_ jobID: String, _ look: () async -> Duration?) async {
        let follower = Follower()
        followers.withLock { $0[jobID, default: []].append(follower) }
        defer {
            followers.withLock { followers in
                followers[jobID]?.removeAll { $0 === follower }
                if followers[jobID]?.isEmpty == true { followers[jobID] = nil }
            }
        }
        while let limit = await look() { await follower.wait(within: limit) }
    }
}
