import ArgumentParser
import Audit
import JSON
import Telemetry

/// The records of a job, as the log is read.
final class JobRecords {
    private let id: String
    /// Jobs that are meant: by their id or by the sender's event id.
    private(set) var jobs: [String] = []
    private(set) var records: [AuditRecord] = []
    private(set) var tree = MerkleTree()
    private let keepsTree: Bool
    private var isFirst = true

    /// - Parameter keepsTree: proofs are made, for 64 bytes of memory a record.
    init(_ id: String, keepsTree: Bool) {
        self.id = id
        self.keepsTree = keepsTree
    }

    var visitor: AuditLog.Visitor {
        AuditLog.Visitor { segment in
            if self.isFirst, self.keepsTree { self.tree = MerkleTree(after: segment.before) }
            self.isFirst = false
        } record: { record, leaf in
            if self.keepsTree { self.tree.append(leaf) }
            guard let job = record.event.job else { return }
            if job == self.id || record.event.fields["event"]?.string == self.id, !self.jobs.contains(job) {
                self.jobs.append(job)
            }
            if self.jobs.contains(job) { self.records.append(record) }
        }
    }

    /// The one job that is meant.
    func job() throws -> String {
        guard let job = jobs.first else {
            throw CommandFailure("no record of a job or an event \(PrintableText.escaping(id))", code: .failed)
        }
        guard jobs.count == 1 else {
            throw CommandFailure(
                "\(PrintableText.escaping(id)) had several jobs, name one: \(jobs.joined(separator: ", "))", code: .usage)
        }
        return job
    }

    /// A record for people.
    static func line(_ record: AuditRecord) -> String {
        let fields = record.event.fields.members.map { "\($0.name)=\($0.value.string ?? $0.value.description)" }
        return PrintableText.escaping(
            "\(record.index)  \(Timestamp.text(record.event.time))  \(record.event.kind)  \(fields.joined(separator: " "))")
    }
}

/// `sallyport audit show`
struct AuditShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print what the log has of a job, after all of the log was checked.",
        discussion: """
            Examples:
              sallyport audit show evt_7f3a --key executor.pub
              sallyport audit show evt_7f3a --key executor.pub --json | jq .kind
            """)

    @OptionGroup var log: AuditLogOptions

    @Flag(help: "The records as they stand in the log, one a line.")
    var json = false

    @Argument(help: "Job id or event id.")
    var id: String

    func run() throws {
        try reporting {
            let job = JobRecords(id, keepsTree: false)
            _ = try log.read(job.visitor)
            guard !job.records.isEmpty else { _ = try job.job(); return }
            for record in job.records {
                Output.line(json ? String(decoding: record.bytes, as: UTF8.self) : JobRecords.line(record))
            }
        }
    }
}

/// `sallyport audit prove`
struct AuditProve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Write a proof of a job's records that can be checked with nothing but the executor's public key.",
        discussion: """
            It takes 64 bytes of memory for each record of the log.

            Examples:
              sallyport audit prove evt_7f3a --key executor.pub --output job.proof
              sallyport audit prove evt_7f3a --key executor.pub --since yesterday
            """)

    @OptionGroup var log: AuditLogOptions

    @Option(help: "A checkpoint that was kept elsewhere: the proof then shows that nothing before it was changed since.")
    var since: String?

    @Option(help: "Where the proof goes; must not exist. Default: standard output.")
    var output: String?

    @Argument(help: "Job id or event id.")
    var id: String

    func run() throws {
        try reporting {
            let job = JobRecords(id, keepsTree: true)
            let (outcome, newest) = try log.read(checkpoints: since.map { [$0] } ?? [], job.visitor)
            let name = try job.job()
            let size = try log.trust.trust().open(newest).size
            let entries = job.records.compactMap { record in
                job.tree.inclusionProof(of: record.index, size: size).map { JobProof.Entry(record: record.bytes, path: $0) }
            }
            guard !entries.isEmpty else {
                throw CommandFailure("no checkpoint was signed of the job's records yet; try again in a minute", code: .failed)
            }
            if entries.count < job.records.count {
                Output.error("sallyport: \(job.records.count - entries.count) newer records of the job have no checkpoint yet")
            }
            let proof = JobProof(job: name, entries: entries, checkpoint: newest, earlier: try earlier(job.tree, size, outcome))
            let text = String(decoding: proof.bytes, as: UTF8.self)
            if let output { try FileOutput.text(text, to: output) } else { Output.piece(text, isError: false) }
        }
    }

    private func earlier(_ tree: MerkleTree, _ size: UInt64, _ outcome: AuditVerifier.Outcome) throws -> JobProof.Earlier? {
        guard let since else { return nil }
        let note = try AuditLogOptions.notes(since)
        guard note.count == 1, let note = note.first else {
            throw CommandFailure("\(since): expected one checkpoint", code: .usage)
        }
        let old = try log.trust.trust().open(note)
        guard old.size <= size, let path = tree.consistencyProof(from: old.size, to: size) else {
            throw CommandFailure(
                "\(since): the checkpoint of \(old.size) records cannot be led to the newest of \(size); the files since then are needed",
                code: .failed)
        }
        return .init(checkpoint: note, path: path)
    }
}

/// `sallyport audit check-proof`
struct AuditCheckProof: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-proof", abstract: "Check a proof without the log, and print the records that it proves.",
        discussion: """
            It proves that the log has these records. It does not prove that the log has no others.

            Examples:
              sallyport audit check-proof job.proof --key executor.pub
            """)

    @OptionGroup var trust: AuditTrustOptions

    @Flag(help: "The records as they stand in the log, one a line.")
    var json = false

    @Argument(help: "The proof; - for standard input.")
    var file: String

    func run() throws {
        try reporting {
            let trust = try trust.trust()
            let outcome = try JobProof(FileOutput.read(file, limit: JobProof.maximumLength)).verify(trust)
            for record in outcome.records {
                Output.line(json ? String(decoding: record.bytes, as: UTF8.self) : JobRecords.line(record))
            }
            let checkpoint = outcome.checkpoint
            Output.error("sallyport: in the log \(checkpoint.origin) of \(checkpoint.size) records")
            if let earlier = outcome.earlier {
                Output.error("sallyport: which begins with the \(earlier.size) records of the earlier checkpoint, unchanged")
            }
        }
    }
}
