import ArgumentParser
import JSON
import JobProtocol
import ProtocolMessages
import SwiftProtobuf

/// What happened to deliveries: asked of the executor.
struct Jobs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show jobs from the executor's journal, end them, or run them again.",
        discussion: """
            Examples:
              sallyport jobs list --status failed --since 4h
              sallyport jobs show evt_7f3a
              sallyport jobs tail evt_7f3a
            """,
        subcommands: [JobsList.self, JobsShow.self, JobsTail.self, JobsCancel.self, JobsReplay.self])
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
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the newest jobs.",
        discussion: """
            Filters combine.

            Examples:
              sallyport jobs list --status failed --since 4h
              sallyport jobs list --hook github --host web-1 --limit 10
              sallyport jobs list --json | jq -r 'select(.status == "unknown") | .job'
            """)

    @OptionGroup var admin: AdminOptions

    @OptionGroup var choice: JobFilterOptions

    func run() throws {
        try reporting { try Self.show(choice.filter(), admin) }
    }

    /// Asks for a list and prints it: as a table that fits the terminal, or an object a line.
    static func show(_ list: WireListJobs, _ admin: AdminOptions) throws {
        let records = try AdminClient(path: admin.socket).ask(.with { $0.listJobs = list })
        if admin.json { return records.forEach { Output.line(JobRecordText.json($0)) } }
        var table = Table(["JOB", "ACCEPTED", "NAME", "STATUS", "REASON", "EVENT", "HOOK"], whole: 2, states: 3)
        for record in records {
            table.add([
                record.jobID, Timestamp.text(record.acceptedAtMs), record.job, status(record), JobNames.name(record.reason),
                record.eventID, record.hook,
            ])
        }
        table.lines(width: Output.width).forEach(Output.line)
    }

    private static func status(_ record: WireJobRecord) -> String {
        let name = JobNames.name(record.status)
        return record.nextAttemptMs > 0 ? "\(name), attempt \(record.attempt)" : name
    }
}

/// `sallyport jobs show`
struct JobsShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one job with its output and history, by job id or the sender's event id.",
        discussion: """
            Exit codes: 0 shown, 1 there is no such job, 3 the executor is not reachable.

            Examples:
              sallyport jobs show evt_7f3a
              sallyport jobs show 0199a1b2-7c1d-7e3f-8a4b-5c6d7e8f9a0b --json
            """)

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
