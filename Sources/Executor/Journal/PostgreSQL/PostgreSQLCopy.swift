#if PostgreSQL
    internal import Audit
    internal import Glibc
    internal import JSON

    /// Brings the jobs of another journal into this one, as those of an executor that does not run: the next of its name takes them up.
    ///
    /// The executor's row is there from the beginning, with a lease that does not end before the copy has: no executor of the name starts
    /// meanwhile, and none takes its jobs over.
    final class PostgreSQLCopy {
        private let connection: PostgreSQLConnection
        private let name: String
        private var epoch: Int64 = 0

        /// Connects, brings the tables up to date and keeps the name.
        ///
        /// - Throws: ``PostgreSQLError``; ``JournalCareError`` when an executor of that name runs.
        init(_ target: PostgreSQLTarget, name: String) throws {
            self.name = name
            connection = try PostgreSQLConnection(target)
            try PostgreSQLSchema.migrate(connection)
            let deadline = ContinuousClock.now + PostgreSQLConnection.connectLimit
            // The server notices a little later that the connection of a process has ended.
            while try !ExecutorEpoch.hold(connection, name) {
                guard ContinuousClock.now < deadline else { throw JournalCareError("the executor \(name) runs there; stop it") }
                usleep(100_000)
            }
        }

        /// - Throws: ``JournalCareError`` when one of these jobs is there with another request.
        func check(_ identities: [SQLiteSource.Identity]) throws { _ = try known(identities) }

        /// Begins, or goes on: the audit records come with that, and who the jobs are to belong to.
        func begin(_ audit: AuditKept) throws {
            epoch = try within { transaction in
                let row = try transaction.query(
                    """
                    SELECT alive_until > clock_timestamp() AND isfinite(alive_until) FROM executor WHERE name = $1 FOR UPDATE
                    """, [.text(name)]
                ).first
                guard row?.int(0) != 1 else {
                    throw JournalCareError(
                        "the executor \(name) was alive there a moment ago; wait for \(PostgreSQLStore.lease.components.seconds) s"
                    )
                }
                try take(audit, transaction)
                let epoch = try transaction.query(
                    """
                    INSERT INTO executor (name, epoch, alive_until) VALUES ($1, nextval('executor_epoch'), 'infinity')
                    ON CONFLICT (name) DO UPDATE SET alive_until = EXCLUDED.alive_until RETURNING epoch
                    """, [.text(name)]
                ).first?.int(0)
                guard let epoch else { throw PostgreSQLError(.damaged, "no epoch was begun") }
                return epoch
            }
        }

        private func take(_ audit: AuditKept, _ transaction: PostgreSQLTransaction) throws {
            let there = try AuditKept(connection, origin: name)
            guard there.batches.isEmpty, there.checkpoint == nil else {
                let (old, new) = (there.batches.last?.tree.size ?? 0, audit.batches.last?.tree.size ?? 0)
                guard there.batches.last?.tree == audit.batches.last?.tree else {
                    throw JournalCareError(
                        "an executor \(name) has written there already, up to audit record \(old), and the file ends with \(new): "
                            + "a journal is copied before its executor begins there, and not used after it")
                }
                return
            }
            for batch in audit.batches { try transaction.insert(batch) }
            guard let checkpoint = audit.checkpoint else { return }
            try transaction.execute(
                "INSERT INTO audit_checkpoint (origin, size, root) VALUES ($1, $2, $3)",
                [.text(name), .int(Int64(checkpoint.size)), .bytes(checkpoint.root)])
        }

        /// Adds those of a page that are not there, in one transaction.
        func add(_ page: [SQLiteSource.Job], _ counts: inout JournalCopy.Counts) throws {
            counts = try within { transaction in
                let own = try transaction.query(
                    "SELECT 1 FROM executor WHERE name = $1 AND epoch = $2 AND alive_until = 'infinity' FOR UPDATE",
                    [.text(name), .int(epoch)])
                guard own.count == 1 else { throw JournalCareError("somebody else has changed the executor \(name) there") }
                // Other executors may claim beside it.
                try transaction.reserve(page.flatMap { PostgreSQLJournal.keys($0.identity.id, $0.name, $0.dedupeKey) })
                let known = try known(page.map(\.identity))
                var counts = counts
                for job in page {
                    guard !known.contains(job.identity.id) else {
                        counts.known += 1
                        continue
                    }
                    try add(job, transaction)
                    counts.jobs += 1
                    counts.events += job.events
                    counts.unfinished += job.isUnfinished ? 1 : 0
                    counts.deadLetters += job.isDeadLetter ? 1 : 0
                }
                return counts
            }
        }

        /// Ids of the jobs that are there.
        private func known(_ identities: [SQLiteSource.Identity]) throws -> Set<String> {
            var writer = JSONWriter()
            writer.beginArray()
            for identity in identities { writer.string(identity.id) }
            writer.endArray()
            let rows = try connection.query(
                "SELECT id, request_digest FROM job WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb))",
                [.text(String(decoding: writer.bytes, as: UTF8.self))])
            let known = Dictionary(rows.all.map { ($0.text(0), $0.bytes(1)) }) { first, _ in first }
            for identity in identities {
                guard let digest = known[identity.id], digest != identity.digest else { continue }
                throw JournalCareError("job \(identity.id) is there with another request; nothing can be both")
            }
            return Set(known.keys)
        }

        private static let insertion = {
            let columns = SQLiteSource.columns
            let places = (1...columns.count + 4).map { "$\($0)" }
            return """
                WITH new AS (
                    INSERT INTO job (\(columns.joined(separator: ", ")), hosts, turn, holder)
                    VALUES (\(places.dropLast().joined(separator: ", ")))
                    RETURNING number, accepted_at, hosts
                ), places AS (
                    INSERT INTO job_host (host, accepted_at, number)
                    SELECT DISTINCT host, accepted_at, number FROM new, unnest(string_to_array(hosts, ',')) AS host
                )
                INSERT INTO event (job, at, what, destination)
                SELECT number, (line->>0)::bigint, line->>1, line->>2
                FROM new, jsonb_array_elements(\(places.last ?? "")::jsonb) WITH ORDINALITY AS history (line, place) ORDER BY place
                """
        }()

        private func add(_ job: SQLiteSource.Job, _ transaction: PostgreSQLTransaction) throws {
            let turn = try makeTurn(job, transaction)
            try transaction.execute(
                Self.insertion, job.values + [.text(job.hosts), .int(turn), .int(epoch), .text(job.history)])
        }

        /// The job's turn under its dedupe key: after those of the same copy, and before those that other executors have accepted since,
        /// which move behind it.
        private func makeTurn(_ job: SQLiteSource.Job, _ transaction: PostgreSQLTransaction) throws -> Int64 {
            guard !job.dedupeKey.isEmpty else { return 0 }
            let own = [PostgreSQLValue.text(job.dedupeKey), .text(job.name), .int(job.acceptedAt), .int(epoch)]
            let row = try transaction.query(
                """
                SELECT coalesce(max(turn), 0) + 1, min(turn) FILTER (WHERE accepted_at > $3 AND holder <> $4)
                FROM job WHERE dedupe_key = $1 AND dedupe_key <> '' AND job = $2
                """, own
            ).first
            let turn = row?.int(0) ?? 1
            if let later = row?.int(1) {
                try transaction.execute(
                    """
                    UPDATE job SET turn = turn + $5
                    WHERE dedupe_key = $1 AND dedupe_key <> '' AND job = $2 AND accepted_at > $3 AND holder <> $4
                    """, own + [.int(turn + 1 - later)])
            }
            return turn
        }

        /// The executor of that name may start.
        func end() throws {
            try within { transaction in
                let ended = try transaction.execute(
                    "UPDATE executor SET alive_until = clock_timestamp() WHERE name = $1 AND epoch = $2",
                    [.text(name), .int(epoch)])
                guard ended == 1 else { throw JournalCareError("somebody else has changed the executor \(name) there") }
            }
        }

        private func within<T>(_ body: (PostgreSQLTransaction) throws -> T) throws -> T {
            _ = try connection.simple("BEGIN")
            do {
                let value = try body(
                    PostgreSQLTransaction(connection, origin: name, epoch: epoch, hasSavepoints: false))
                guard try connection.simple("COMMIT").tag == "COMMIT" else {
                    throw PostgreSQLError(.damaged, "the transaction was rolled back")
                }
                return value
            } catch {
                if !connection.isBroken { _ = try? connection.simple("ROLLBACK") }
                throw error
            }
        }
    }
#endif
