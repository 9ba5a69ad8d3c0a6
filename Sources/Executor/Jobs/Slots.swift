internal import Synchronization

/// How much of what may run at once: jobs of a name, commands on a host, jobs of a lane. Waiting is in order and bounded.
///
/// A waiter takes all it needs at one moment or nothing, and nobody behind it overtakes on a key it waits for; a full host
/// therefore never delays a job that does not need it, nor a lane those outside it. Keys exist only while somebody holds or waits for
/// them.
final class Slots: Sendable {
    /// One key and how many holders it may have.
    struct Need: Sendable {
        let key: String
        let limit: Int
        /// Waiters that this key may have.
        var queue = Slots.maximumWaiting
        /// Who waits for it stands in no other line: until it is free, the rest of what its waiter needs is for others to take.
        var comesFirst = false
    }

    /// A place in the line, from the moment it was given out.
    struct Ticket: Sendable {
        fileprivate let number: UInt64
        let needs: [Need]
        /// All was free at once; there is nothing to wait for.
        let isGranted: Bool
    }

    /// Jobs that may wait for a slot; one more is refused as busy.
    static let maximumWaiting = 1024

    private struct Waiter {
        let number: UInt64
        let needs: [Need]
        /// Nil until its owner waits.
        var continuation: CheckedContinuation<Bool, Never>?
    }

    private struct State {
        var inUse: [String: Int] = [:]
        var waiting: [Waiter] = []
        /// Tickets whose turn came before their owner waited.
        var granted: Set<UInt64> = []
        var next: UInt64 = 0
        /// Nobody's turn comes any more.
        var isClosed = false

        func isFree(_ needs: [Need], behind blocked: Set<String>) -> Bool {
            needs.allSatisfy { !blocked.contains($0.key) && inUse[$0.key, default: 0] < $0.limit }
        }

        /// All of `needs` is free, and nobody waits for any of it.
        func mayTake(_ needs: [Need]) -> Bool { isFree(needs, behind: waiting.isEmpty ? [] : contended) }

        mutating func enter(_ needs: [Need], isFree: Bool) -> Ticket {
            next += 1
            if isFree { take(needs) } else if !isClosed { waiting.append(Waiter(number: next, needs: needs)) }
            return Ticket(number: next, needs: needs, isGranted: isFree)
        }

        mutating func take(_ needs: [Need]) {
            for need in needs { inUse[need.key, default: 0] += 1 }
        }

        mutating func giveBack(_ needs: [Need]) {
            for need in needs {
                let left = inUse[need.key, default: 1] - 1
                inUse[need.key] = left > 0 ? left : nil
            }
        }

        /// What nobody behind a waiter may take: all it needs, or what comes first while it waits for that.
        ///
        /// Who holds a lane between two attempts comes back for the rest; it must not find there those who wait for its lane.
        func keep(_ needs: [Need], in blocked: inout Set<String>) {
            let waitsForFirst = needs.contains { $0.comesFirst && !isFree([$0], behind: blocked) }
            for need in needs where need.comesFirst || !waitsForFirst { blocked.insert(need.key) }
        }

        /// Keys that are kept for those who wait.
        var contended: Set<String> { waiting.reduce(into: []) { keep($1.needs, in: &$0) } }

        /// The line, as a whole and for each key, has room for one more.
        func hasRoom(_ needs: [Need]) -> Bool {
            guard waiting.count < Slots.maximumWaiting else { return false }
            return needs.allSatisfy { need in
                need.queue >= Slots.maximumWaiting
                    || waiting.count { $0.needs.contains { $0.key == need.key } } < need.queue
            }
        }

        /// Grants what is free now, in order; who waits already is to be woken.
        mutating func wake() -> [CheckedContinuation<Bool, Never>] {
            guard !waiting.isEmpty else { return [] }
            var woken: [CheckedContinuation<Bool, Never>] = []
            var blocked: Set<String> = []
            var still: [Waiter] = []
            for waiter in waiting {
                guard isFree(waiter.needs, behind: blocked) else {
                    keep(waiter.needs, in: &blocked)
                    still.append(waiter)
                    continue
                }
                take(waiter.needs)
                if let continuation = waiter.continuation {
                    woken.append(continuation)
                } else {
                    granted.insert(waiter.number)
                }
            }
            waiting = still
            return woken
        }
    }

    private let state = Mutex(State())

    /// How many places of a key are held.
    func inUse(_ key: String) -> Int { state.withLock { $0.inUse[key] ?? 0 } }

    /// How many wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// A place in the line for all of `needs`, taken at once where that overtakes nobody; nil when the line is full.
    func enter(_ needs: [Need]) -> Ticket? {
        state.withLock { state in
            let isFree = state.mayTake(needs)
            return isFree || state.hasRoom(needs) ? state.enter(needs, isFree: isFree) : nil
        }
    }

    /// As ``enter(_:)`` for a job that is accepted already, and therefore has a place in any case.
    func reenter(_ needs: [Need]) -> Ticket {
        state.withLock { $0.enter(needs, isFree: $0.mayTake(needs)) }
    }

    /// Waits until it is the ticket's turn: it then holds all its needs. False when the ticket was given up, or the line closed.
    func wait(_ ticket: Ticket) async -> Bool {
        guard !ticket.isGranted else { return true }
        return await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if state.granted.remove(ticket.number) != nil { return true }
                guard let index = state.waiting.firstIndex(where: { $0.number == ticket.number }) else { return false }
                state.waiting[index].continuation = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Gives up a place that nobody went on with: what it holds by now is given back, who waits on it is told so.
    func leave(_ ticket: Ticket) {
        let (gone, woken) = state.withLock { state -> (CheckedContinuation<Bool, Never>?, [CheckedContinuation<Bool, Never>]) in
            var gone: CheckedContinuation<Bool, Never>?
            if let index = state.waiting.firstIndex(where: { $0.number == ticket.number }) {
                gone = state.waiting.remove(at: index).continuation
            } else if ticket.isGranted || state.granted.remove(ticket.number) != nil {
                state.giveBack(ticket.needs)
            }
            return (gone, state.wake())
        }
        gone?.resume(returning: false)
        for continuation in woken { continuation.resume(returning: true) }
    }

    /// Ends the wait of a ticket that is still in line, and only that: its ``wait(_:)`` returns false. False when its turn has come.
    func cancel(_ ticket: Ticket) -> Bool {
        let (isGone, gone, woken) = state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.number == ticket.number }) else {
                return (false, nil as CheckedContinuation<Bool, Never>?, [] as [CheckedContinuation<Bool, Never>])
            }
            return (true, state.waiting.remove(at: index).continuation, state.wake())
        }
        gone?.resume(returning: false)
        for continuation in woken { continuation.resume(returning: true) }
        return isGone
    }

    /// Ends the line: who waits in it, now or later, is told false. What is held stays held.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.continuation?.resume(returning: false) }
    }

    /// Gives `needs` back and wakes whoever can go on.
    func release(_ needs: [Need]) {
        let woken = state.withLock { state in
            state.giveBack(needs)
            return state.wake()
        }
        for continuation in woken { continuation.resume(returning: true) }
    }
}
