internal import GRDB
internal import Glibc
internal import Settings

/// Looks after the journal from outside the executor, which is sealed and makes no file: beside one that serves, or while none does.
public struct JournalCare: Sendable {
    /// Where the journal is.
    public let path: String
    private let database: DatabaseQueue

    /// Opens the journal of an executor's settings, to read only. Of the settings nothing else is looked at.
    ///
    /// - Throws: `SettingsProblems` when they do not say where it is; ``JournalCareError`` when it cannot be opened.
    public init(configuration file: String) throws {
        let source = try SettingsFile(path: file)
        let journal = source.root.mapping(ExecutorSettings.keys).required("journal").mapping(ExecutorSettings.journalKeys)
        let path = journal.required("sqlite").filePath() ?? ""
        try source.finish()
        try self.init(path: path)
    }

    init(path: String) throws(JournalCareError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(2)
            database = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw JournalCareError("journal \(path): open: \(error.sqliteText)")
        }
    }

    /// Reads all of it and says what is there.
    ///
    /// - Throws: ``JournalCareError`` naming what is broken.
    public func check() throws(JournalCareError) -> [String] {
        do {
            return try database.read { database in
                let problems = try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
                let orphans = try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").count
                guard problems.isEmpty, orphans == 0 else {
                    let all = problems.prefix(10) + (orphans > 0 ? ["\(orphans) events without a job"] : [])
                    throw JournalCareError("it is damaged, go back to a backup: \(all.joined(separator: "; "))")
                }
                func count(_ sql: String) throws -> Int { try Int.fetchOne(database, sql: sql) ?? 0 }
                let bytes = try count("PRAGMA page_count") * count("PRAGMA page_size")
                let jobs = try count("SELECT count(*) FROM job")
                let unfinished = try count("SELECT count(*) FROM job WHERE finished_at IS NULL")
                let letters = try count("SELECT count(*) FROM job WHERE letter = 1")
                return [
                    "journal \(path) is whole: \(bytes / 1024) KiB",
                    "\(jobs) jobs, of which \(unfinished) unfinished and \(letters) dead letters",
                ]
            }
        } catch {
            throw JournalCareError("journal \(path): check: \(error.sqliteText)")
        }
    }

    /// Writes a complete copy as of now, durable on return.
    ///
    /// - Throws: ``JournalCareError`` when it cannot be written, or a file of that name is there already.
    public func backup(to copy: String) throws(JournalCareError) {
        var status = stat()
        guard unsafe lstat(copy, &status) != 0 else {
            throw JournalCareError(
                "journal \(path): backup to \(copy): it is there already; name another file, or move that one away")
        }
        do {
            try database.inDatabase { try $0.execute(sql: "VACUUM INTO ?", arguments: [copy]) }
        } catch {
            throw JournalCareError("journal \(path): backup to \(copy): \(error.sqliteText)")
        }
    }
}

/// What stands in the way of looking after the journal.
public struct JournalCareError: Error, CustomStringConvertible {
    /// Names the journal and the step.
    public let description: String

    init(_ description: String) { self.description = description }
}
