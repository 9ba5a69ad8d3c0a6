internal import GRDB

extension SQLiteJournal {
    var isFailing: Bool { commits.failure != nil }

    func health() async -> JournalHealth {
        await JournalHealth(path, audit.status, failure: commits.failure) { () async throws(JournalError) in
            try await look("look at") { database in
                func count(_ sql: String) throws -> Int64 { try Int64.fetchOne(database, sql: sql) ?? 0 }
                let page = try count("PRAGMA page_size")
                return (
                    try count("PRAGMA page_count") * page, try count("PRAGMA freelist_count") * page,
                    try count("SELECT count(*) FROM job WHERE letter = 1")
                )
            }
        }
    }
}
