internal import GRDB
internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

extension SQLiteJournal {
    var isFailing: Bool { commits.failure != nil }

    /// Answers from memory where the file cannot be read.
    func health() async -> JournalHealth {
        var health = JournalHealth()
        health.journal.path = path
        health.audit = audit.status
        do throws(JournalError) {
            let (bytes, free, letters) = try await look("look at") { database in
                func count(_ sql: String) throws -> Int { try Int.fetchOne(database, sql: sql) ?? 0 }
                let page = try count("PRAGMA page_size")
                return (
                    try count("PRAGMA page_count") * page, try count("PRAGMA freelist_count") * page,
                    try count("SELECT count(*) FROM job WHERE letter = 1")
                )
            }
            (health.journal.bytes, health.journal.freeBytes) = (UInt64(clamping: bytes), UInt64(clamping: free))
            health.deadLetters = letters
        } catch {
            (health.journal.error, health.journal.failedAtMs) = ("\(error)", WallClock.now())
        }
        if let failure = commits.failure {
            (health.journal.error, health.journal.failedAtMs) = ("\(failure.error)", failure.at)
        }
        return health
    }
}
