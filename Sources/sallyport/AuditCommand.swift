import ArgumentParser
import Audit
import Authentication
import Glibc

/// `sallyport audit`
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Check the executor's audit log, and prove to others what it says.",
        discussion: """
            Reads the files of the log; the executor may be running or not. Exit codes: 0 it holds, 1 it does not, 2 wrong use or \
            unreadable file, 4 each of several logs holds, and together they do not.

            Examples, with the executor's public key as in the ingress's trusted-keys:
              sallyport audit verify --key ed25519:...
              sallyport audit show evt_7f3a --key ed25519:...
            """,
        subcommands: [AuditVerify.self, AuditShow.self, AuditProve.self, AuditCheckProof.self, AuditCheckpoint.self])
}

/// Whose checkpoints are believed.
struct AuditTrustOptions: ParsableArguments {
    @Option(
        name: .customLong("key"),
        help: "The executor's public key: `ed25519:…`, `name+id+key`, or a file with one of them. Several, where it was replaced."
    )
    var keys: [String] = []

    func trust() throws -> CheckpointTrust {
        guard !keys.isEmpty else {
            throw CommandFailure("--key is missing: the executor's public key, as in the ingress's trusted-keys", code: .usage)
        }
        var (plain, named): ([Ed25519PublicKey], [NoteKey]) = ([], [])
        for key in keys {
            do {
                if key.hasPrefix("ed25519:") {
                    plain.append(try Ed25519PublicKey(text: key))
                } else if key.contains("+"), unsafe access(key, F_OK) != 0 {
                    named.append(try NoteKey(text: key))
                } else {
                    let text =
                        String(decoding: try FileOutput.read(key, limit: 4096), as: UTF8.self)
                        .split(separator: "\n").first.map(String.init) ?? ""
                    if text.hasPrefix("ed25519:") {
                        plain.append(try Ed25519PublicKey(text: text))
                    } else {
                        named.append(try NoteKey(text: text))
                    }
                }
            } catch let error as CommandFailure {
                throw error
            } catch {
                throw CommandFailure("--key \(key): \(error)", code: .usage)
            }
        }
        return CheckpointTrust(keys: plain, named: named)
    }
}

/// Tells on a terminal how many records were read.
final class ReadingProgress {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var records = 0

    /// Another one.
    func count() {
        records += 1
        if isTerminal, records.isMultiple(of: 100_000) { Output.error("sallyport: \(records) records read") }
    }
}

/// The log to read.
struct AuditLogOptions: ParsableArguments {
    @Option(
        name: .customLong("log"),
        help: "The folder of the log, or a copy of it. (default: \(AuditLogOptions.usualPlace))")
    var given: String?

    private static let usualPlace = "/var/lib/sallyport/audit"

    var log: String { given ?? Self.usualPlace }

    @OptionGroup var trust: AuditTrustOptions

    /// Reads all of the log and holds it against its checkpoints and those of `files`; tells on a terminal how far it is.
    func read(
        checkpoints files: [String] = [], _ visitor: AuditLog.Visitor = .init()
    ) throws -> (outcome: AuditVerifier.Outcome, newest: SignedNote) {
        let trust = try trust.trust()
        let log = AuditLog(path: log, trust: trust)
        var checkpoints = try log.checkpoints()
        let newest = checkpoints.last?.note
        for file in files { checkpoints += try Self.notes(file).map { ($0, try trust.open($0)) } }
        let progress = ReadingProgress()
        let outcome = try log.verify(
            checkpoints.map(\.checkpoint),
            .init(begin: visitor.begin) { record, leaf in
                progress.count()
                visitor.record(record, leaf)
            })
        guard let newest else {
            throw CommandFailure("\(self.log): no checkpoint; is `checkpoints` there, beside the .audit files?", code: .failed)
        }
        return (outcome, newest)
    }

    /// The checkpoints in a file: one note, or several of one signature each.
    static func notes(_ file: String) throws -> [SignedNote] {
        if let note = try? SignedNote(FileOutput.read(file, limit: SignedNote.maximumLength)) { return [note] }
        let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        let name = file.lastIndex(of: "/").map { String(file[file.index(after: $0)...]) } ?? file
        let (notes, rest) = try AuditFolder(path: folder).notes(of: name)
        guard rest == 0, !notes.isEmpty else { throw CommandFailure("\(file): not a file of checkpoints", code: .usage) }
        return notes.map(\.note)
    }
}
