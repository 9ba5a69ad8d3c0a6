internal import JobProtocol
internal import ProtocolMessages
internal import Synchronization

/// What is known of each host's failures, whichever worker met them.
final class HostBreakers: Sendable {
    /// What a command that was let through is held to.
    struct Ticket: Sendable {
        /// The hosts of its way and what was known of each.
        fileprivate let way: [(host: String, place: Int, generation: Int)]
    }

    /// What becomes of a command.
    enum Admission {
        case admitted(Ticket)
        /// With the text for its result.
        case refused(String)
    }

    private let breakers = Mutex<[String: HostBreaker]>([:])

    /// Lets a command through to the last host of `way`, which leads over the others.
    ///
    /// - Parameter places: of each host, a number that changes when its settings do.
    func admit(_ way: [String], places: [Int], now: Int64) -> Admission {
        breakers.withLock { breakers in
            var admitted: [(host: String, place: Int, generation: Int)] = []
            for (host, place) in zip(way, places) {
                if let known = breakers[host], known.place != place { breakers[host] = nil }
                var breaker = breakers[host] ?? HostBreaker()
                if let text = breaker.admit(host, now: now) {
                    breakers[host] = breaker
                    for (before, _, generation) in admitted { breakers[before]?.undecided(admitted: generation) }
                    return .refused(text)
                }
                // Nothing is kept of hosts that nothing is wrong with.
                if breakers[host] != nil { breakers[host] = breaker }
                admitted.append((host, place, breaker.generation))
            }
            return .admitted(Ticket(way: admitted))
        }
    }

    /// The command was let in by every host of its way: they are well, however long it runs.
    func reached(_ ticket: Ticket) {
        breakers.withLock { breakers in
            for (host, place, _) in ticket.way where breakers[host]?.place == place { breakers[host]?.succeeded() }
        }
    }

    /// Why a host is left alone; empty when it is not.
    func standing(_ host: String, now: Int64) -> String {
        breakers.withLock { breakers in
            guard var copy = breakers[host] else { return "" }
            let text = copy.admit(host, now: now) ?? ""
            // Only the time of a pause may change by being asked after.
            if !text.isEmpty { breakers[host] = copy }
            return text
        }
    }

    /// Learns from how the command ended. Only what a worker says of a host of the command's way counts.
    func settle(_ ticket: Ticket, _ finished: WireLeaseFinished, now: Int64, jitter: Double) {
        let isThrough = finished.outcome != .notStarted && finished.failedHost.isEmpty
        breakers.withLock { breakers in
            let failed = ticket.way.firstIndex { $0.host == finished.failedHost }
            for (index, (host, place, generation)) in ticket.way.enumerated() {
                // Of a host that was changed since nothing is learned.
                if let known = breakers[host], known.place != place { continue }
                if isThrough || index < failed ?? 0 {
                    breakers[host]?.succeeded()
                } else if index == failed {
                    breakers[host, default: HostBreaker()].place = place
                    breakers[host]?.failed(
                        finished.reason, finished.error.clipped(toBytes: 300), admitted: generation, now: now, jitter: jitter)
                } else {
                    breakers[host]?.undecided(admitted: generation)
                }
            }
        }
    }
}
