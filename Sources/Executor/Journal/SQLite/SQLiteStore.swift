internal import GRDB

/// One SQLite file, written by one connection.
struct SQLiteStore: CommitStore {
    let database: DatabaseQueue
    let place: String

    func write(_ body: (Database) throws -> Void) throws -> Bool {
        try database.inDatabase { database in
            let before = database.totalChangesCount
            try database.inTransaction(.immediate) {
                try body(database)
                return .commit
            }
            return database.totalChangesCount > before
        }
    }

    func apart<T>(_ database: Database, _ body: (Database) throws -> T) throws -> T {
        var value: T?
        try database.inSavepoint {
            value = try body(database)
            return .commit
        }
        guard let value else { throw CommitQueueError.notRun }
        return value
    }

    func audit(_ database: Database) -> any AuditTable { SQLiteAuditTable(database: database) }

    func error(_ step: String, _ error: any Error) -> JournalError { JournalError(step: step, place: place, error) }
}
