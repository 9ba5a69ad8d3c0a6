internal import Logging
internal import Settings
internal import Telemetry

/// Where the journal is, and how long it keeps what has finished.
struct JournalSettings: Sendable {
    /// What kind of journal it is. Nothing but this says which.
    enum Store: Sendable {
        /// One file.
        ///
        /// - maximumSize: bytes; nil for none.
        case sqlite(path: String, maximumSize: Int?)
        #if PostgreSQL
            /// A database that executors share.
            case postgreSQL(PostgreSQLTarget)
        #endif
    }

    /// Keys of `journal`.
    #if PostgreSQL
        static let keys = ["sqlite", "postgresql", "keep", "maximum-size"]
    #else
        static let keys = ["sqlite", "keep", "maximum-size"]
    #endif

    let store: Store
    let keep: Duration

    /// Reads `journal`.
    init(_ node: SettingsNode) {
        let journal = node.mapping(Self.keys)
        keep = journal.optional("keep").duration(in: .seconds(3600) ... .seconds(10 * 365 * 86_400)) ?? .seconds(30 * 86_400)
        let size = journal.optional("maximum-size").byteCount(in: 1024 * 1024...1024 * 1024 * 1024 * 1024)
        #if PostgreSQL
            let shared = journal.optional("postgresql")
            guard !shared.isPresent else {
                for key in ["sqlite", "maximum-size"] where journal.optional(key).isPresent {
                    journal.optional(key).problem("is not for a journal in PostgreSQL")
                }
                store = .postgreSQL(PostgreSQLTarget(shared))
                return
            }
        #endif
        store = .sqlite(path: journal.required("sqlite").filePath() ?? "", maximumSize: size)
    }
}

extension JournalSettings.Store {
    /// Names it to a person.
    var place: String {
        switch self {
        case .sqlite(let path, _): path
        #if PostgreSQL
            case .postgreSQL(let target): target.place
        #endif
        }
    }

    /// Its file; nil when it has none of its own.
    var file: String? {
        switch self {
        case .sqlite(let path, _): path
        #if PostgreSQL
            case .postgreSQL: nil
        #endif
        }
    }

    /// The folder in which it makes and writes files; nil when it has none.
    var folder: String? { file.map { path in path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." } }

    /// Takes it for the life of the process. Call before anything of it is looked at.
    ///
    /// - Parameter name: the executor's, which is that of its audit log.
    /// - Returns: false when another process has it.
    func lock(as name: String) throws(JournalError) -> Bool {
        switch self {
        case .sqlite(let path, _): return try JournalLock.take(path)
        #if PostgreSQL
            case .postgreSQL(let target):
                do throws(PostgreSQLError) {
                    return try !ExecutorEpoch.isTaken(PostgreSQLConnection(target), name)
                } catch {
                    throw JournalError(step: "lock", place: target.place, postgreSQL: error)
                }
        #endif
        }
    }

    /// Opens it, brings its tables up to date and takes up the audit log. Blocks; call before serving.
    ///
    /// - Parameter commitDuration: told how long each commit took.
    func open(
        audit: AuditSettings, in directory: AuditDirectory, commitDuration: Histogram? = nil, logger: Logger
    ) throws(JournalError) -> any Journal {
        switch self {
        case .sqlite(let path, let maximumSize):
            try SQLiteJournal(
                path: path, maximumSize: maximumSize, audit: audit, in: directory, commitDuration: commitDuration, logger: logger)
        #if PostgreSQL
            case .postgreSQL(let target):
                try PostgreSQLJournal(target, audit: audit, in: directory, commitDuration: commitDuration, logger: logger)
        #endif
        }
    }

    /// Opens it to be looked after.
    func keeper() throws(JournalCareError) -> any JournalKeeper {
        switch self {
        case .sqlite(let path, _): try SQLiteCare(path: path)
        #if PostgreSQL
            case .postgreSQL(let target): PostgreSQLCare(target)
        #endif
        }
    }
}
