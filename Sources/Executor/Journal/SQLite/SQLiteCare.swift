internal import GRDB
internal import Glibc

/// Looks after a SQLite journal from outside the executor.
struct SQLiteCare: JournalKeeper {
    private let path: String
    private let database: DatabaseQueue

    /// Opens it, to read only.
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

    func check() throws(JournalCareError) -> [String] {
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

    func backup(to copy: String) throws(JournalCareError) {
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
