import Audit
import Authentication
import Logging
import ProtocolMessages

@testable import Executor

extension Samples {
    /// Signs the audit logs of all journals that a test opens.
    static let executorKey = Result { try Ed25519PrivateKey.generate() }

    /// Settings of an audit log in that folder, with the smallest file.
    static func audit(_ folder: String, _ change: (inout AuditSettings) -> Void = { _ in }) throws -> AuditSettings {
        var settings = AuditSettings(path: folder, origin: "sallyport/executor", key: try executorKey.get())
        change(&settings)
        return settings
    }

    /// A journal at that path, with its audit log beside it.
    static func journal(
        _ path: String, maximumSize: Int? = nil, _ change: (inout AuditSettings) -> Void = { _ in }
    ) throws -> SQLiteJournal {
        let folder = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)) + "/audit"
        return try SQLiteJournal(
            path: path, maximumSize: maximumSize, audit: audit(folder, change), in: AuditDirectory(path: folder, number: nil),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

extension SQLiteJournal {
    /// With nothing for the audit log.
    func mark(_ jobID: String, _ status: WireJobStatus, attempt: UInt32) async throws {
        try await mark(jobID, status, attempt: attempt, [])
    }

    /// With nothing for the audit log.
    func postpone(_ jobID: String, attempt: UInt32, until: Int64, _ progress: WireJobResult) async throws {
        try await postpone(jobID, attempt: attempt, until: until, progress, [])
    }

    /// With nothing for the audit log but the result.
    func finish(_ jobID: String, _ result: WireJobResult) async throws { try await finish(jobID, result, []) }

    /// With a signature for the audit log.
    func note(_ jobID: String, _ what: String, destination: String) async throws {
        let event = AuditEvent(.signature, at: Samples.now, [("job", .text(jobID)), ("host", .text(destination))])
        try await note(jobID, what, destination: destination, event)
    }
}
