import Audit
import Authentication
import Logging

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
