internal import JobProtocol
internal import ProtocolMessages
internal import Synchronization

/// Who watches which job of this process. A watcher never delays a command: it is sent what its credit allows, and what falls out of the
/// job's ``OutputTail`` meanwhile is lost to it.
///
/// A watch begins before the journal is asked about its job, so that no end is missed in between; until the journal has answered, and
/// said that the job came from the same ingress, nothing is sent.
final class JobWatchers: Sendable {
    private struct Entry {
        var tail = OutputTail()
        /// Nil while the job is not running here.
        var state: (status: WireJobStatus, attempt: UInt32)?
        /// The result, for watchers that the journal has not answered yet.
        var result: WireJobResult?
        var watchers: [Watcher] = []

        /// The job neither runs nor is watched.
        var isIdle: Bool { state == nil && watchers.isEmpty }
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// The job begins, or goes on after a restart.
    func open(_ id: String, _ status: WireJobStatus, attempt: UInt32) {
        entries.withLock { $0[id, default: Entry()].state = (status, attempt) }
    }

    /// The job is in another state, or begins another attempt.
    func state(_ id: String, _ status: WireJobStatus, attempt: UInt32) {
        entries.withLock { entries in
            guard entries[id] != nil else { return }
            entries[id]?.state = (status, attempt)
            for watcher in entries[id]?.watchers ?? [] { watcher.tell(status, attempt: attempt) }
        }
    }

    /// The job's command has written something.
    func output(_ id: String, _ destination: String, _ stream: WireStream, _ data: [UInt8]) {
        entries.withLock { entries in
            guard entries[id]?.state != nil else { return }
            entries[id]?.tail.append(destination, stream, data)
            Self.pump(&entries[id])
        }
    }

    /// The job has ended with this result.
    func close(_ id: String, _ result: WireJobResult) {
        entries.withLock { entries in
            guard var entry = entries.removeValue(forKey: id) else { return }
            for index in entry.watchers.indices {
                entry.watchers[index].pump(entry.tail)
                entry.watchers[index].end(result, position: entry.tail.position)
            }
            entry.watchers.removeAll(where: \.isKnown)
            guard !entry.watchers.isEmpty else { return }
            entry.state = nil
            entry.result = result
            entries[id] = entry
        }
    }

    private static func pump(_ entry: inout Entry?) {
        guard let tail = entry?.tail else { return }
        for index in entry?.watchers.indices ?? 0..<0 { entry?.watchers[index].pump(tail) }
    }
}

extension JobWatchers {
    /// Somebody begins to watch; ``admit(_:as:)`` or ``refuse(_:_:)`` follows.
    func join(_ watcher: Watcher) {
        entries.withLock { $0[watcher.jobID, default: Entry()].watchers.append(watcher) }
    }

    /// The journal has the job, and it came from the watcher's ingress: tells all there is to tell now.
    func admit(_ watcher: Watcher, as stored: StoredJob) {
        entries.withLock { entries in
            guard var entry = entries[watcher.jobID], let index = entry.watchers.firstIndex(where: { $0.isSame(as: watcher) })
            else { return }
            let known = (status: stored.status, attempt: stored.attempt)
            let state = stored.finishedAt == nil ? entry.state ?? known : known
            entry.watchers[index].begin(stored, state.status, attempt: state.attempt)
            if let result = stored.finishedAt == nil ? entry.result : StoredResult.of(stored) {
                entry.watchers[index].pump(entry.tail)
                entry.watchers[index].end(result, position: entry.tail.position)
                entry.watchers.remove(at: index)
            } else if !watcher.follows {
                entry.watchers[index].end(.unfinished)
                entry.watchers.remove(at: index)
            } else {
                entry.watchers[index].pump(entry.tail)
            }
            entries[watcher.jobID] = entry.isIdle ? nil : entry
        }
    }

    /// There is nothing to watch, or it cannot be found out.
    func refuse(_ watcher: Watcher, _ outcome: WireWatchOutcome) {
        leave(watcher)
        watcher.end(outcome)
    }

    /// The watcher may be sent so much more.
    func credit(_ watcher: Watcher, _ credit: Int) {
        entries.withLock { entries in
            guard let tail = entries[watcher.jobID]?.tail,
                let index = entries[watcher.jobID]?.watchers.firstIndex(where: { $0.isSame(as: watcher) })
            else { return }
            entries[watcher.jobID]?.watchers[index].allow(credit)
            entries[watcher.jobID]?.watchers[index].pump(tail)
        }
    }

    /// Nobody wants to know any more.
    func leave(_ watcher: Watcher) {
        entries.withLock { entries in
            entries[watcher.jobID]?.watchers.removeAll { $0.isSame(as: watcher) }
            if entries[watcher.jobID]?.isIdle == true { entries[watcher.jobID] = nil }
        }
    }

    /// Somebody watches it.
    func isWatched(_ id: String) -> Bool { entries.withLock { $0[id]?.watchers.isEmpty == false } }

    /// Jobs that run or are watched.
    var count: Int { entries.withLock { $0.count } }
}
