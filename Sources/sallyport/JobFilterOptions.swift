import ArgumentParser
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf

/// Which jobs, the same for every command that takes several.
struct JobFilterOptions: ParsableArguments {
    @Option(help: "Only jobs in this state: accepted, running, succeeded, failed, timed-out, refused, dead, unknown.")
    var status: String?

    @Option(help: "Only jobs of this name.")
    var job: String?

    @Option(help: "Only jobs of this hook.")
    var hook: String?

    @Option(help: "Only jobs on this host.")
    var host: String?

    @Option(help: "Only jobs of this event id.")
    var event: String?

    @Option(help: "Only jobs of this correlation id.")
    var correlation: String?

    @Option(help: "Only jobs accepted since then: 30m, 2h or 7d ago, or a time such as 2026-11-26T14:00:00Z.")
    var since: String?

    @Option(help: "Only jobs accepted before then, as --since.")
    var until: String?

    @Option(help: "How many, 1 to 1000.")
    var limit: UInt32 = 50

    /// Something of it narrows the choice.
    var isNarrow: Bool { [status, job, hook, host, event, correlation, since, until].contains { $0 != nil } }

    /// - Throws: ``CommandFailure`` naming the option that is wrong.
    func filter() throws -> WireListJobs {
        guard (1...1000).contains(limit) else { throw CommandFailure("--limit \(limit): expected 1 to 1000", code: .usage) }
        // A shell variable that is not set would otherwise choose everything.
        for (name, value) in [
            ("status", status), ("job", job), ("hook", hook), ("host", host), ("event", event), ("correlation", correlation),
        ] where value?.isEmpty == true { throw CommandFailure("--\(name): expected a value, it is empty", code: .usage) }
        var list = WireListJobs()
        list.limit = limit
        list.job = job ?? ""
        list.hook = hook ?? ""
        list.host = host ?? ""
        list.eventID = event ?? ""
        list.correlationID = correlation ?? ""
        if let status {
            guard let value = JobNames.status(named: status) else {
                throw CommandFailure("--status \(status): no such state", code: .usage)
            }
            list.status = value
        }
        list.sinceMs = try time(since, "--since")
        list.untilMs = try time(until, "--until")
        return list
    }

    private func time(_ text: String?, _ option: String) throws -> Int64 {
        guard let text else { return 0 }
        guard let value = Timestamp.parse(text, now: WallClock.now()) else {
            throw CommandFailure("\(option) \(text): expected 30m, 2h, 7d or a time such as 2026-11-26T14:00:00Z", code: .usage)
        }
        return value
    }
}
