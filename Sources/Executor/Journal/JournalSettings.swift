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
    }

    /// Keys of `journal`.
    static let keys = ["sqlite", "keep", "maximum-size"]

    let store: Store
    let keep: Duration

    /// Reads `journal`.
    init(_ node: SettingsNode) {
        let journal = node.mapping(Self.keys)
        let path = journal.required("sqlite").filePath() ?? ""
        keep = journal.optional("keep").duration(in: .seconds(3600) ... .seconds(10 * 365 * 86_400)) ?? .seconds(30 * 86_400)
        let size = journal.optional("maximum-size").byteCount(in: 1024 * 1024...1024 * 1024 * 1024 * 1024)
        store = .sqlite(path: path, maximumSize: size)
    }
}

extension JournalSettings.Store {
    /// Names it to a person.
    var place: String {
        switch self {
        case .sqlite(let path, _): path
        }
    }

    /// Its file; nil when it has none of its own.
    var file: String? {
        switch self {
        case .sqlite(let path, _): path
        }
    }

    /// The folder in which it makes and writes files; nil when it has none.
    var folder: String? { file.map { path in path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." } }

    /// Takes it for the life of the process. Call before anything of it is looked at.
    ///
    /// - Returns: false when another executor has it.
    func lock() throws(JournalError) -> Bool {
        switch self {
        case .sqlite(let path, _): try JournalLock.take(path)
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
        }
    }

    /// Opens it to be looked after.
    func keeper() throws(JournalCareError) -> any JournalKeeper {
        switch self {
        case .sqlite(let path, _): try SQLiteCare(path: path)
        }
    }
}
