import ArgumentParser
import Glibc
import JSON
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Telemetry

/// `sallyport jobs cancel`
struct JobsCancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract:
            "End a job: what waits never runs, what runs is ended on its hosts, and the hosts are asked whether it is gone.",
        discussion: """
            Exit codes: 0 when the job has ended, 1 when it has not or does not run, 3 when the executor is not reachable.

            Examples:
              sallyport jobs cancel evt_7f3a
            """)

    @OptionGroup var admin: AdminOptions

    @Argument(help: "Job id or event id.")
    var id: String

    func run() throws {
        try reporting {
            let cancel = WireCancelJob.with {
                $0.id = id
                $0.operator = OperatorName.current
            }
            for record in try AdminClient(path: admin.socket).ask(.with { $0.cancelJob = cancel }) {
                if admin.json {
                    Output.line(JobRecordText.json(record))
                } else {
                    JobRecordText.lines(record).forEach(Output.line)
                }
            }
        }
    }
}

/// `sallyport jobs replay`
struct JobsReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Run finished jobs again, as new jobs under the policy of now.",
        discussion: """
            Name jobs, or say which by --status, --job, --hook, --host, --since and so on. Exit codes: 0 when all were taken, 1 when not.

            Examples:
              sallyport jobs replay evt_7f3a
              sallyport jobs replay --job deploy --status failed --since 2h --dry-run
            """
    )

    @OptionGroup var admin: AdminOptions
    @OptionGroup var choice: JobFilterOptions

    @Flag(help: "Say what would be replayed, and whether the policy allows it; begin nothing.")
    var dryRun = false

    @Argument(help: "Job ids or event ids.")
    var ids: [String] = []

    func run() throws {
        try reporting {
            guard ids.isEmpty == choice.isNarrow else {
                throw CommandFailure("name jobs, or say which by --status, --job, --hook, --host, --since", code: .usage)
            }
            var replay = WireReplayJobs()
            replay.ids = ids
            if ids.isEmpty { replay.filter = try choice.filter() }
            replay.dryRun = dryRun
            replay.operator = OperatorName.current
            try JobChanges.ask(.with { $0.replayJobs = replay }, admin, done: dryRun ? "would be replayed" : "replayed as")
        }
    }
}

/// Says of each job what became of it.
enum JobChanges {
    /// - Throws: exit code 1 when nothing became of one of them.
    static func ask(_ request: WireAdminRequest, _ admin: AdminOptions, done: String) throws {
        var (count, failures) = (0, 0)
        try AdminClient(path: admin.socket).ask(request) { part in
            guard case .change(let change) = part else { return }
            count += 1
            if !change.error.isEmpty { failures += 1 }
            Output.line(admin.json ? json(change) : line(change, done))
        }
        if count == 0, !admin.json { Output.error("sallyport: there is no such job") }
        guard failures == 0 else { throw ExitCode(1) }
    }

    private static func line(_ change: WireAdminChange, _ done: String) -> String {
        let what = change.error.isEmpty ? "\(done) \(change.newJobID)" : "not done: \(PrintableText.escaping(change.error))"
        return "\(change.jobID) (\(PrintableText.escaping(change.name))) \(what)"
    }

    private static func json(_ change: WireAdminChange) -> String {
        var json = JSONWriter()
        json.beginObject()
        for (name, value) in [
            ("job", change.jobID), ("name", change.name), ("newJob", change.newJobID), ("error", change.error),
        ] {
            json.name(name)
            json.string(value)
        }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

/// Who runs this command, as far as it can say; the executor asks the kernel for the uid.
enum OperatorName {
    static var current: String {
        // Behind sudo the user that asked counts.
        for variable in ["SUDO_USER", "USER", "LOGNAME"] {
            if let value = unsafe getenv(variable), unsafe strlen(value) > 0 { return unsafe String(cString: value) }
        }
        return ""
    }
}
