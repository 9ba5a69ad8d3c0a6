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
                        SET epoch = EXCLUDED.epoch, alive_until = EXCLUDED.alive_until, since = clock_timestamp()
                    RETURNING epoch
                    """, [.text(name), lease]
                ).first?.int(0)
                guard let new else { throw PostgreSQLError(.damaged, "no epoch was begun") }
                if let old = old?.int(0) {
                    _ = try connection.query(
                        "UPDATE job SET holder = $1 WHERE holder = $2 AND finished_at IS NULL", [.int(new), .int(old)])
                }
                _ = try connection.simple("COMMIT")
                return new
            } catch {
                if !connection.isBroken { _ = try? connection.simple("ROLLBACK") }
                throw error
            }
        }

        /// Within a transaction: says that the epoch lives, and keeps others from taking it over until the transaction ends. The
        /// transaction's number; nil when somebody has taken it over.
        static func renew(_ connection: PostgreSQLConnection, _ name: String, _ epoch: Int64) throws(PostgreSQLError) -> String? {
            try connection.query(
                """
                UPDATE executor SET alive_until = clock_timestamp() + $3 * interval '1 millisecond',
                    since = CASE WHEN alive_until < clock_timestamp() THEN clock_timestamp() ELSE since END
                WHERE name = $1 AND epoch = $2
                RETURNING pg_current_xact_id()::text
                """, [.text(name), .int(epoch), lease]
            ).first?.text(0)
        }

        /// Takes over the jobs of executors whose lease is over. Those find that their epoch is gone when they write the next time.
        ///
        /// When the server was away, all leases are over: who has not been in touch for the time of one himself takes nothing over.
        static func adopt(_ transaction: PostgreSQLTransaction, _ columns: String) throws(PostgreSQLError) -> [PostgreSQLRow] {
            // One whose row is locked is writing: it lives, or somebody else takes it over.
            let gone = try transaction.query(
                """
                DELETE FROM executor WHERE name IN (
                    SELECT name FROM executor WHERE alive_until < clock_timestamp() AND epoch <> $1
                        AND (SELECT since FROM executor WHERE epoch = $1) < clock_timestamp() - $2 * interval '1 millisecond'
                    FOR UPDATE SKIP LOCKED
                ) RETURNING epoch
                """, [.int(transaction.epoch), lease])
            guard gone.count > 0 else { return [] }
            let epochs = gone.all.compactMap { $0.int(0) }.map(String.init).joined(separator: ",")
            let adopted = try transaction.query(
                """
                WITH adopted AS (
                    UPDATE job SET holder = $1 WHERE holder = ANY ($2::text::bigint[]) AND finished_at IS NULL RETURNING *
                ) SELECT \(columns) FROM adopted AS job ORDER BY job.number
                """, [.int(transaction.epoch), .text("{\(epochs)}")])
            return adopted.all
        }

        /// The executor stops in order: who comes next need not wait.
        static func end(_ transaction: PostgreSQLTransaction) throws(PostgreSQLError) {
            try transaction.execute(
                "UPDATE executor SET alive_until = clock_timestamp() WHERE name = $1 AND epoch = $2",
                [.text(transaction.origin), .int(transaction.epoch)])
        }
    }
#endif
