internal import Synchronization

/// How much of what may run at once: jobs of a name, commands on a host. Waiting is in order and bounded.
///
/// A waiter takes all it needs at one moment or nothing, and nobody behind it overtakes on a key it waits for; a full host
/// therefore never delays a job that does not need it.
final class Slots: Sendable {
    /// One key and how many holders it may have.
    struct Need: Sendable {
        let key: String
        let limit: Int
    }

    /// Jobs that may wait for a slot; one more is refused as busy.
    static let maximumWaiting = 1024

    private struct Waiter {
        let needs: [Need]
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var inUse: [String: Int] = [:]
        var waiting: [Waiter] = []

        func isFree(_ needs: [Need], behind blocked: Set<String>) -> Bool {
            needs.allSatisfy { !blocked.contains($0.key) && inUse[$0.key, default: 0] < $0.limit }
        }

        mutating func take(_ needs: [Need]) {
            for need in needs { inUse[need.key, default: 0] += 1 }
        }

        /// Keys that somebody waits for.
        var contended: Set<String> { Set(waiting.lazy.flatMap { $0.needs.map(\.key) }) }
    }

    private let state = Mutex(State())

    /// How many wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Takes all of `needs` at once if that is possible without overtaking anybody.
    func tryAcquire(_ needs: [Need]) -> Bool {
        state.withLock { state in
            guard state.isFree(needs, behind: state.waiting.isEmpty ? [] : state.contended) else { return false }
            state.take(needs)
            return true
        }
    }

    /// There is room for one more to wait.
    var mayWait: Bool { state.withLock { $0.waiting.count < Self.maximumWaiting } }

    /// Waits for all of `needs`. The bound is checked with ``mayWait`` before the job is accepted: an accepted job always waits.
    func acquire(_ needs: [Need]) async {
        await withCheckedContinuation { continuation in
            let now = state.withLock { state in
                if state.isFree(needs, behind: state.waiting.isEmpty ? [] : state.contended) {
                    state.take(needs)
                    return true
                }
                state.waiting.append(Waiter(needs: needs, continuation: continuation))
                return false
            }
            if now { continuation.resume() }
        }
    }

    /// Gives `needs` back and wakes whoever can go on.
    func release(_ needs: [Need]) {
        let woken = state.withLock { state in
            for need in needs {
                let left = state.inUse[need.key, default: 1] - 1
                state.inUse[need.key] = left > 0 ? left : nil
            }
            return Self.wake(&state)
        }
        for continuation in woken { continuation.resume() }
    }

    private static func wake(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        var woken: [CheckedContinuation<Void, Never>] = []
        var blocked: Set<String> = []
        var still: [Waiter] = []
        for waiter in state.waiting {
            if state.isFree(waiter.needs, behind: blocked) {
                state.take(waiter.needs)
                woken.append(waiter.continuation)
            } else {
                blocked.formUnion(waiter.needs.map(\.key))
                still.append(waiter)
            }
        }
        state.waiting = still
        return woken
    }
}
