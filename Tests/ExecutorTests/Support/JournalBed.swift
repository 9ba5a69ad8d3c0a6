import Audit
import Logging
import ProtocolMessages
import Synchronization
import TestSupport
import Testing

@testable import Executor

/// The kinds of journal: what one promises is tried on each.
enum JournalKind: String, CaseIterable, Sendable {
    case sqlite = "SQLite"
    #if PostgreSQL
        case postgreSQL = "PostgreSQL"
    #endif

    /// Those that can be tried here.
    static var all: [JournalKind] { allCases }
}

/// A journal of each kind, empty at first, for as long as the test has it.
final class JournalBed: Sendable {
    private let folder = Result { try TemporaryFolder() }
    #if PostgreSQL
        private let database = Mutex<Result<String, any Error>?>(nil)
    #endif

    /// Where records of that executor go.
    func auditPath(_ kind: JournalKind, _ executor: String = "executor") throws -> String {
        try "\(folder.get().path)/\(kind) \(executor)"
    }

    /// Opens it as an executor of that name does.
    func open(
        _ kind: JournalKind, _ executor: String = "executor", _ change: (inout AuditSettings) -> Void = { _ in }
    ) throws -> any Journal {
        var audit = AuditSettings(
            path: try auditPath(kind, executor), origin: "sallyport/\(executor)", key: try Samples.executorKey.get())
        change(&audit)
        return try store(kind).open(
            audit: audit, in: AuditDirectory(path: audit.path, number: nil),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Opens it again, as the next process of an executor does that was killed.
    func reopen(_ kind: JournalKind, _ executor: String = "executor") throws -> any Journal {
        #if PostgreSQL
            // Its connections end with a process.
            if kind == .postgreSQL { try PostgreSQLServer.shared.get().disconnect(target().database) }
        #endif
        return try open(kind, executor)
    }

    func store(_ kind: JournalKind) throws -> JournalSettings.Store {
        switch kind {
        case .sqlite: .sqlite(path: try "\(folder.get().path)/journal.db", maximumSize: nil)
        #if PostgreSQL
            case .postgreSQL: .postgreSQL(try target())
        #endif
        }
    }

    #if PostgreSQL
        /// A database of its own on the one server of all tests.
        func target() throws -> PostgreSQLTarget {
            let server = try PostgreSQLServer.shared.get()
            let name = try database.withLock { database in
                let made = database ?? Result { try server.makeDatabase() }
                database = made
                return try made.get()
            }
            return PostgreSQLTarget(folder: server.folder.path, database: name, user: PostgreSQLServer.user)
        }
    #endif
}

extension Journal {
    /// Of one that is shared.
    func keep() async throws -> Bool { try await #require(shared).keep() }

    /// Of one that is shared.
    func adopt() async throws -> [StoredJob] { try await #require(shared).adopt() }

    /// Claims a job that must be new; the job.
    @discardableResult
    func claimed(
        _ request: WireJobRequest, at time: Int64 = Samples.now, body: [UInt8]? = nil
    ) async throws -> WireJobRequest {
        #expect(try await claim(request, at: time, body: body) == "claimed")
        return request
    }

    /// Claims a job as the gate does; what came of it in a word.
    func claim(
        _ request: WireJobRequest, at time: Int64 = Samples.now, refusal: Refusal? = nil, expired: Bool = false,
        body: [UInt8]? = nil, hosts: [String] = ["web-1"], replay: Replay? = nil, _ events: [AuditEvent] = []
    ) async throws -> String {
        var claim = try Samples.claim(
            request, at: time, status: refusal == nil ? .accepted : .refused, refusal: refusal, expired: expired, body: body,
            hosts: hosts, replay: replay)
        claim.events = events
        return try await self.claim(claim).text
    }

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
