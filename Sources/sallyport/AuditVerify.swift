import ArgumentParser
import Audit
import Authentication
import JSON

/// `sallyport audit verify`
struct AuditVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read the whole log and hold it against every checkpoint that was signed of it.",
        discussion: """
            A log that somebody could write to is only held against what that somebody could not: give checkpoints that were kept elsewhere.

            Executors that share a journal have a log each, and a job may go from one to another: name the folders of all, and what runs \
            between the logs is verified, too. Exit code 4 when each holds and together they do not.

            Examples:
              sallyport audit verify --key executor.pub --log /var/lib/sallyport/audit
              sallyport audit verify --key executor.pub --checkpoint /mnt/elsewhere/today
              sallyport audit verify --key pod-1.pub --key pod-2.pub pod-1/audit pod-2/audit
            """
    )

    @OptionGroup var log: AuditLogOptions

    @Option(name: .customLong("checkpoint"), help: "A file with checkpoints that were kept elsewhere. Several may be given.")
    var checkpoints: [String] = []

    @Flag(help: "A JSON object instead of text.")
    var json = false

    @Argument(help: "Folders of the logs of executors that share a journal, all of them, in place of --log.")
    var folders: [String] = []

    func run() throws {
        try reporting {
            guard folders.isEmpty else { return try verifyTogether() }
            let (outcome, _) = try log.read(checkpoints: checkpoints)
            (json ? [Self.json(outcome)] : ["the log holds"] + Self.lines(outcome)).forEach(Output.line)
        }
    }

    private func verifyTogether() throws {
        guard log.given == nil else {
            throw CommandFailure("either --log or folders; one folder is one log, too", code: .usage)
        }
        let together = try AuditTogether(folders, log.trust.trust(), checkpoints: checkpoints)
        let (logs, jobs) = try together.read()
        if json {
            Output.line(together.json(logs, jobs))
        } else {
            together.lines(logs, jobs).forEach(Output.line)
        }
        guard jobs.gapCount > 0 else { return }
        let count = jobs.gapCount == 1 ? "1 job does" : "\(jobs.gapCount) jobs do"
        throw CommandFailure("each log holds; together they do not: \(count) not join up", code: .apart)
    }

    static func lines(_ outcome: AuditVerifier.Outcome) -> [String] {
        let open = outcome.size - outcome.covered
        var lines = [
            "log          \(outcome.origin)",
            "records      \(outcome.size - outcome.first), from \(outcome.first) on",
            "checkpoints  \(outcome.checkpoints), the newest of \(outcome.covered) records",
            "root         \(Base64.encode(outcome.root.bytes)) of \(outcome.size) records",
        ]
        if open > 0 { lines.append("not covered  \(open) newest records: no checkpoint was signed of them yet") }
        if outcome.skipped > 0 {
            lines.append("not checked  \(outcome.skipped) checkpoints of files that are not here")
        }
        return lines
    }

    private static func json(_ outcome: AuditVerifier.Outcome) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        write(outcome, &writer)
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The members of a log's object.
    static func write(_ outcome: AuditVerifier.Outcome, _ writer: inout JSONWriter) {
        writer.name("origin")
        writer.string(outcome.origin)
        for (name, value) in [
            ("first", outcome.first), ("size", outcome.size), ("covered", outcome.covered),
            ("checkpoints", UInt64(outcome.checkpoints)), ("skippedCheckpoints", UInt64(outcome.skipped)),
        ] {
            writer.name(name)
            writer.int(Int64(clamping: value))
        }
        writer.name("root")
        writer.string(Base64.encode(outcome.root.bytes))
    }
}

/// `sallyport audit checkpoint`
struct AuditCheckpoint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Print the newest checkpoint, to be kept where the executor cannot write.",
        discussion: """
            Examples:
              sallyport audit checkpoint --key executor.pub > /mnt/elsewhere/today
              sallyport audit checkpoint --key executor.pub | ssh witness 'cat >> checkpoints'
            """)

    @OptionGroup var log: AuditLogOptions

    func run() throws {
        try reporting {
            let log = AuditLog(path: log.log, trust: try log.trust.trust())
            guard let newest = try log.checkpoints().last else {
                throw CommandFailure(
                    "\(self.log.log): no checkpoint yet; the first one comes within `audit.checkpoint-interval` of the first record",
                    code: .failed)
            }
            Output.piece(String(decoding: newest.note.bytes, as: UTF8.self), isError: false)
        }
    }
}
