import ArgumentParser
import JSON
import JobProtocol
import ProtocolMessages
import SwiftProtobuf

/// What happened to deliveries: asked of the executor.
struct Jobs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show jobs from the executor's journal.", subcommands: [JobsList.self, JobsShow.self, JobsTail.self])
}

/// Where the executor answers, and in which form to show it.
struct AdminOptions: ParsableArguments {
    @Option(help: "The executor's admin socket.")
    var socket = "/run/sallyport-admin/admin.sock"

    @Flag(help: "One JSON object a line instead of a table.")
    var json = false
}

/// `sallyport jobs list`
struct JobsList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the newest jobs.")

    @OptionGroup var admin: AdminOptions

    @Option(help: "How many, 1 to 1000.")
    var limit: UInt32 = 50

    @Option(help: "Only jobs in this state: accepted, running, succeeded, failed, timed-out, refused, dead, unknown.")
    var status: String?

    @Option(help: "Only jobs of this name.")
    var job: String?

    func run() throws {
        try reporting {
            guard (1...1000).contains(limit) else {
                throw CommandFailure("--limit \(limit): expected 1 to 1000", code: .usage)
            }
            var list = WireListJobs()
            list.limit = limit
            list.job = job ?? ""
            if let status {
                guard let value = JobNames.status(named: status) else {
                    throw CommandFailure("--status \(status): no such state", code: .usage)
                }
                list.status = value
            }
            let records = try AdminClient(path: admin.socket).ask(.with { $0.listJobs = list })
            if admin.json { return records.forEach { Output.line(JobRecordText.json($0)) } }
            var table = Table(["JOB", "ACCEPTED", "NAME", "STATUS", "REASON", "EVENT", "HOOK"])
            for record in records {
                table.add([
                    record.jobID, Timestamp.text(record.acceptedAtMs), record.job, JobNames.name(record.status),
                    JobNames.name(record.reason), record.eventID, record.hook,
                ])
            }
            table.lines.forEach(Output.line)
        }
    }
}

/// `sallyport jobs show`
struct JobsShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one job with its output and history, by job id or the sender's event id.")

    @OptionGroup var admin: AdminOptions

    @Argument(help: "Job id or event id.")
    var id: String

    func run() throws {
        try reporting {
            let records = try AdminClient(path: admin.socket).ask(.with { $0.showJob = .with { $0.id = id } })
            for record in records {
                if admin.json {
                    Output.line(JobRecordText.json(record))
                } else {
                    JobRecordText.lines(record).forEach(Output.line)
                }
            }
        }
    }
}
