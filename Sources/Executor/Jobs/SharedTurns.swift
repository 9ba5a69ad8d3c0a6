internal import Synchronization

/// Of a journal that is shared: who waits here for a turn that depends on other executors, too.
///
/// The journal decides. It is asked when somebody begins to wait, when an executor has news, and each second, for news may be missed.
final class SharedTurns: Sendable {
    /// What a job waits for.
    enum Line: Sendable { case lane, places }

    private static let lookInterval = Duration.seconds(1)

    private struct Waiter {
        let line: Line
        /// Nil until its owner waits.
        var continuation: CheckedContinuation<Bool, Never>?
    }

    private struct State {
        var waiting: [String: Waiter] = [:]
        /// Whose turn came before their owner waited.
        var granted: Set<String> = []
        var isClosed = false
        /// A look is on its way; and another must follow, for something has changed since it began.
        var isLooking = false
        var mustLookAgain = false
    }

    let journal: any SharedJournal
    private let state = Mutex(State())

    init(_ journal: any SharedJournal) { self.journal = journal }

    /// How many wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// The job stands in that line from now on.
    func enter(_ jobID: String, _ line: Line) {
        state.withLock { state in
            if !state.isClosed { state.waiting[jobID] = Waiter(line: line) }
        }
        look()
    }

    /// Waits until it is the turn of a job that has entered. False when that was cancelled, or all have ended.
    func wait(_ jobID: String) async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if state.granted.remove(jobID) != nil { return true }
                guard state.waiting[jobID] != nil else { return false }
                state.waiting[jobID]?.continuation = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Ends the wait of a job whose turn has not come.
    func cancel(_ jobID: String) {
        state.withLock { $0.waiting.removeValue(forKey: jobID) }?.continuation?.resume(returning: false)
    }

    /// Ends all waits, now and later.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for waiter in waiting.values { waiter.continuation?.resume(returning: false) }
    }

    /// Asks the journal, now or after the look that is on its way.
    func look() {
        let begins = state.withLock { state in
            guard !state.waiting.isEmpty else { return false }
            defer { state.isLooking = true }
            state.mustLookAgain = state.isLooking
            return !state.isLooking
        }
        if begins { Task { await self.ask() } }
    }

    /// Looks from time to time, until the task is cancelled.
    func keep() async {
        while !Task.isCancelled {
            look()
            try? await Task.sleep(for: Self.lookInterval)
        }
    }

    private func ask() async {
        repeat {
            let waiting = state.withLock { state in
                state.mustLookAgain = false
                return state.waiting.mapValues(\.line)
            }
            func those(_ line: Line) -> [String] { waiting.filter { $0.value == line }.map(\.key) }
            let (lane, places) = (those(.lane), those(.places))
            // What cannot be asked now is asked at the next look.
            if !lane.isEmpty { goOn((try? await journal.heads(lane)) ?? []) }
            if !places.isEmpty { goOn((try? await journal.granted(places)) ?? []) }
        } while state.withLock { state in
            state.isLooking = state.mustLookAgain
            return state.isLooking
        }
    }

    private func goOn(_ jobIDs: [String]) {
        let woken = state.withLock { state in
            jobIDs.compactMap { id -> CheckedContinuation<Bool, Never>? in
                guard let waiter = state.waiting.removeValue(forKey: id) else { return nil }
                if waiter.continuation == nil { state.granted.insert(id) }
                return waiter.continuation
            }
        }
        for continuation in woken { continuation.resume(returning: true) }
    }
}
