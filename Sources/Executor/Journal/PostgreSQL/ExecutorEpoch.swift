#if PostgreSQL
    /// Which process is the executor of a name: the one whose epoch stands in the table `executor`. Epochs only grow.
    ///
    /// One that ends gives its name back with its connection; one that stands still keeps it until its lease is over.
    enum ExecutorEpoch {
        private static var lease: PostgreSQLValue { .int(PostgreSQLStore.lease.milliseconds) }

        /// Marks the name as in use for as long as the connection lives. False when another connection has it.
        @discardableResult
        static func hold(_ connection: PostgreSQLConnection, _ name: String) throws(PostgreSQLError) -> Bool {
            let held = try connection.query(
                "SELECT pg_try_advisory_lock(hashtextextended('sallyport executor ' || $1::text, 0))", [.text(name)])
            return held.first?.int(0) == 1
        }

        /// Whether another process has that name, as far as can be seen without taking it.
        static func isTaken(_ connection: PostgreSQLConnection, _ name: String) throws(PostgreSQLError) -> Bool {
            guard try connection.query("SELECT to_regclass('sallyport.executor') IS NOT NULL").first?.int(0) == 1 else {
                return false
            }
            guard try !hold(connection, name) else {
                // Now, for the server sees a little later that a connection has ended, and who asked takes the name next.
                _ = try connection.query(
                    "SELECT pg_advisory_unlock(hashtextextended('sallyport executor ' || $1::text, 0))", [.text(name)])
                let copied = try connection.query(
                    "SELECT 1 FROM executor WHERE name = $1 AND alive_until = 'infinity'", [.text(name)])
                guard copied.count == 0 else {
                    throw PostgreSQLError(
                        .damaged, "a journal was copied for \(name), and not to its end; run journal copy again")
                }
                return false
            }
            return try connection.query(
                "SELECT 1 FROM executor WHERE name = $1 AND alive_until > clock_timestamp()", [.text(name)]
            ).count > 0
        }

        /// Begins an epoch, which takes over the jobs that the one before it had not finished. Nil when another process has the name.
        static func begin(_ connection: PostgreSQLConnection, _ name: String) throws(PostgreSQLError) -> Int64? {
            let isFree = try hold(connection, name)
            _ = try connection.simple("BEGIN")
            do throws(PostgreSQLError) {
                let old = try connection.query(
                    """
                    SELECT epoch, alive_until > clock_timestamp(), isfinite(alive_until) FROM executor WHERE name = $1 FOR UPDATE
                    """, [.text(name)]
                ).first
                // A lease without an end is that of a copy that has not ended.
                guard isFree || old?.int(1) != 1, old?.int(2) != 0 else {
                    _ = try connection.simple("ROLLBACK")
                    return nil
                }
                let new = try connection.query(
                    """
                    INSERT INTO executor (name, epoch, alive_until)
                    VALUES ($1, nextval('executor_epoch'), clock_timestamp() + $2 * interval '1 millisecond')
                    ON CONFLICT (name) DO UPDATE
                        SET epoch = EXCLUDED.epoch, alive_until = EXCLUDED.alive_until, since = clock_timestamp(), written = 0
                    RETURNING epoch
                    """, [.text(name), lease]
                ).first?.int(0)
                guard let new else { throw PostgreSQLError(.damaged, "no epoch was begun") }
                if let old = old?.int(0) {
                    _ = try connection.query(
                        "UPDATE job SET holder = $1 WHERE holder = $2 AND finished_at IS NULL", [.int(new), .int(old)])
                    _ = try connection.query("DELETE FROM place WHERE holder = $1", [.int(old)])
                }
                _ = try connection.simple("COMMIT")
                return new
            } catch {
                if !connection.isBroken { _ = try? connection.simple("ROLLBACK") }
                throw error
            }
        }

        /// Within a transaction: says that the epoch lives, and keeps others from taking it over until the transaction ends. False when
        /// somebody has taken it over.
        ///
        /// - Parameter number: the transaction's, higher than all before of that epoch.
        static func renew(
            _ connection: PostgreSQLConnection, _ name: String, _ epoch: Int64, number: Int64
        ) throws(PostgreSQLError) -> Bool {
            try connection.query(
                """
                UPDATE executor SET alive_until = clock_timestamp() + $3 * interval '1 millisecond', written = $4,
                    since = CASE WHEN alive_until < clock_timestamp() THEN clock_timestamp() ELSE since END
                WHERE name = $1 AND epoch = $2
                """, [.text(name), .int(epoch), lease, .int(number)]
            ).changed == 1
        }

        /// The number of the epoch's last transaction that stands, once none is on its way any more; nil when somebody has taken it over.
        static func written(
            _ connection: PostgreSQLConnection, _ name: String, _ epoch: Int64
        ) throws(PostgreSQLError) -> Int64? {
            try connection.query(
                "SELECT written FROM executor WHERE name = $1 AND epoch = $2 FOR UPDATE", [.text(name), .int(epoch)]
            ).first?.int(0)
        }

        /// Jobs that one transaction takes over, and bytes of their bodies from which on it takes no more.
        static let adoptedJobs = 200
        static let adoptedBytes = 8 * 1024 * 1024

        /// A job that was another executor's.
        struct Adopted {
            let row: PostgreSQLRow
            /// Whose it was; empty where an older version has taken that name away.
            let origin: String
            let epoch: Int64
        }

        /// Takes over jobs of executors whose lease is over, some at a time; empty when there are no more. Those executors find that their
        /// epoch is gone when they write the next time.
        ///
        /// When the server was away, all leases are over: who has not been in touch for the time of one himself takes nothing over.
        static func adopt(_ transaction: PostgreSQLTransaction, _ columns: String) throws(PostgreSQLError) -> [Adopted] {
            var adopted: [Adopted] = []
            while adopted.count < adoptedJobs, let (gone, origin) = try takeName(transaction) {
                let rows = try transaction.query(
                    """
                    WITH next AS (
                        SELECT number, coalesce(octet_length(body), 0) AS bytes FROM job
                        WHERE holder = $2 AND finished_at IS NULL ORDER BY number LIMIT $3
                    ), part AS (
                        SELECT number FROM (SELECT number, sum(bytes) OVER (ORDER BY number) - bytes AS before FROM next) AS sums
                        WHERE before < $4
                    ), adopted AS (
                        UPDATE job SET holder = $1 WHERE number IN (SELECT number FROM part) RETURNING *
                    ) SELECT \(columns) FROM adopted AS job ORDER BY job.number
                    """,
                    [
                        .int(transaction.epoch), .int(gone), .int(Int64(adoptedJobs - adopted.count)), .int(Int64(adoptedBytes)),
                    ]
                ).all
                adopted += rows.map { Adopted(row: $0, origin: origin, epoch: gone) }
                try transaction.execute("DELETE FROM place WHERE holder = $1", [.int(gone)])
                let ended = try transaction.execute(
                    """
                    DELETE FROM executor
                    WHERE epoch = $1 AND NOT EXISTS (SELECT 1 FROM job WHERE holder = $1 AND finished_at IS NULL)
                    """, [.int(gone)])
                guard ended == 1 else { break }
            }
            return adopted
        }

        /// Takes its name from an executor that is gone, and keeps its row for the transaction; its epoch and what its name was. The row stays,
        /// under a name that no executor has, until nobody's job is left: whoever takes over the first of them may be gone himself before
        /// the last.
        private static func takeName(
            _ transaction: PostgreSQLTransaction
        ) throws(PostgreSQLError) -> (epoch: Int64, origin: String)? {
            // One whose row is locked is writing: it lives, or somebody else takes it over.
            let row = try transaction.query(
                """
                UPDATE executor SET name = CASE WHEN name LIKE '#%' THEN name ELSE '#' || epoch || ' ' || name END WHERE name = (
                    SELECT name FROM executor WHERE alive_until < clock_timestamp() AND epoch <> $1
                        AND (SELECT since FROM executor WHERE epoch = $1) < clock_timestamp() - $2 * interval '1 millisecond'
                    ORDER BY epoch LIMIT 1 FOR UPDATE SKIP LOCKED
                ) RETURNING epoch, name
                """, [.int(transaction.epoch), lease]
            ).first
            guard let row, let epoch = row.int(0) else { return nil }
            // A version before this one left the number alone. No origin has a space.
            let parts = row.text(1).split(separator: " ", maxSplits: 1)
            return (epoch, parts.count == 2 ? String(parts[1]) : "")
        }

        /// The executor stops in order: who comes next need not wait.
        static func end(_ transaction: PostgreSQLTransaction) throws(PostgreSQLError) {
            try transaction.execute(
                "UPDATE executor SET alive_until = clock_timestamp() WHERE name = $1 AND epoch = $2",
                [.text(transaction.origin), .int(transaction.epoch)])
            try transaction.execute("DELETE FROM place WHERE holder = $1", [.int(transaction.epoch)])
        }
    }
#endif
