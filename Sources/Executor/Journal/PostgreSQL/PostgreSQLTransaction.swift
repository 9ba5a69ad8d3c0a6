#if PostgreSQL
    internal import Audit

    /// A transaction of the journal's writer.
    final class PostgreSQLTransaction {
        private let connection: PostgreSQLConnection
        /// The audit log of the executor that writes.
        let origin: String
        /// The number of its start.
        let epoch: Int64
        /// Each operation has a savepoint of its own.
        let hasSavepoints: Bool
        /// An operation failed that had none: all of it must be done again, with savepoints.
        private(set) var mustRepeat = false
        /// What other executors may wait for, and are told of when the transaction stands.
        var news: [JournalNews] = []

        init(_ connection: PostgreSQLConnection, origin: String, epoch: Int64, hasSavepoints: Bool) {
            self.connection = connection
            self.origin = origin
            self.epoch = epoch
            self.hasSavepoints = hasSavepoints
        }

        /// Runs a statement.
        func query(_ sql: String, _ values: [PostgreSQLValue]) throws(PostgreSQLError) -> PostgreSQLRows {
            try connection.query(sql, values)
        }

        /// Runs a statement that changes rows; returns how many.
        @discardableResult
        func execute(_ sql: String, _ values: [PostgreSQLValue]) throws(PostgreSQLError) -> Int {
            try connection.query(sql, values).changed
        }

        /// Takes the locks of all keys of a transaction in one order, so that no two transactions wait for one another.
        func reserve(_ keys: [String]) throws(PostgreSQLError) {
            guard !keys.isEmpty else { return }
            let numbers = Set(keys.map(Self.number)).sorted().map(String.init).joined(separator: ",")
            _ = try query(
                "SELECT count(pg_advisory_xact_lock(key)) FROM unnest($1::text::bigint[]) AS key", [.text("{\(numbers)}")])
        }

        /// FNV-1a. Keys that have the same number wait for one another without need, and that is all.
        static func number(_ key: String) -> Int64 {
            Int64(bitPattern: key.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 })
        }

        /// Runs `body`; what it has changed is undone when it throws.
        ///
        /// Few operations fail. They are therefore done without savepoints at first, which cost two statements each.
        func apart<T>(_ body: (PostgreSQLTransaction) throws -> T) throws -> T {
            guard !mustRepeat else { throw CommitQueueError.notRun }
            guard hasSavepoints else {
                do {
                    return try body(self)
                } catch {
                    mustRepeat = true
                    throw error
                }
            }
            _ = try connection.simple("SAVEPOINT operation")
            do {
                let value = try body(self)
                _ = try connection.simple("RELEASE SAVEPOINT operation")
                return value
            } catch {
                _ = try connection.simple("ROLLBACK TO SAVEPOINT operation; RELEASE SAVEPOINT operation")
                throw error
            }
        }
    }

    extension PostgreSQLTransaction: AuditTable {
        func insert(_ batch: AuditBatch) throws {
            try execute(
                "INSERT INTO audit (origin, first, size, subtrees, lines) VALUES ($1, $2, $3, $4, $5)",
                [
                    .text(origin), .int(Int64(batch.first)), .int(Int64(batch.tree.size)), .bytes(batch.subtrees),
                    .bytes(batch.lines),
                ])
        }

        func remove(coveredBy checkpoint: Checkpoint) throws {
            try execute(
                "DELETE FROM audit WHERE origin = $1 AND size <= $2 AND first < (SELECT max(first) FROM audit WHERE origin = $1)",
                [.text(origin), .int(Int64(checkpoint.size))])
            try execute(
                """
                INSERT INTO audit_checkpoint (origin, size, root) VALUES ($1, $2, $3)
                ON CONFLICT (origin) DO UPDATE SET size = EXCLUDED.size, root = EXCLUDED.root
                """, [.text(origin), .int(Int64(checkpoint.size)), .bytes(checkpoint.root.bytes)])
        }
    }

    extension AuditKept {
        /// What a start takes the log of that origin up with.
        init(_ connection: PostgreSQLConnection, origin: String) throws {
            let rows = try connection.query(
                "SELECT first, size, subtrees, lines FROM audit WHERE origin = $1 ORDER BY first", [.text(origin)])
            for row in rows.all {
                batches.append(
                    try AuditBatch(
                        first: row.int(0) ?? -1, size: row.int(1) ?? -1, subtrees: row.bytes(2) ?? [], lines: row.bytes(3) ?? []))
            }
            let known = try connection.query("SELECT size, root FROM audit_checkpoint WHERE origin = $1", [.text(origin)])
            checkpoint = known.first.map { (UInt64(clamping: $0.int(0) ?? 0), $0.bytes(1) ?? []) }
        }
    }
#endif
