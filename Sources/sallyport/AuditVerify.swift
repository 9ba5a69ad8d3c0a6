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

            Examples:
              sallyport audit verify --key executor.pub --log /var/lib/sallyport/audit
              sallyport audit verify --key executor.pub --checkpoint /mnt/elsewhere/today
            """
    )

    @OptionGroup var log: AuditLogOptions

    @Option(name: .customLong("checkpoint"), help: "A file with checkpoints that were kept elsewhere. Several may be given.")
    var checkpoints: [String] = []

    @Flag(help: "A JSON object instead of text.")
    var json = false

    func run() throws {
        try reporting {
            let (outcome, _) = try log.read(checkpoints: checkpoints)
            (json ? [Self.json(outcome)] : Self.lines(outcome)).forEach(Output.line)
        }
    }

    private static func lines(_ outcome: AuditVerifier.Outcome) -> [String] {
        let open = outcome.size - outcome.covered
        var lines = [
            "the log holds", "log          \(outcome.origin)",
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
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
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
