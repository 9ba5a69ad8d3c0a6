#if PostgreSQL
    internal import JobProtocol
    internal import ProtocolMessages

    /// Lanes, places and rates among all executors.
    ///
    /// A lane is in the jobs themselves: the unfinished one with the lowest number has it. Who enters a line does so under the line's lock, in
    /// which his turn is drawn too: whoever is before him is there for him to see. After that nobody needs a lock, for the one behind counts
    /// those before him whether they hold their places or wait.
    extension PostgreSQLJournal {
        /// Locks for the lines of all places: lines that share one wait for one another without need, and that is all.
        private static let placeLocks: UInt64 = 256
        /// No name of a job or host has one.
        private static let separator = "\n"

        struct Busy: Error {
            let reason: String
        }

        /// What is decided on with a claim.
        static func keys(of limits: SharedLimits?, job: String) -> [String] {
            guard let limits else { return [] }
            return (limits.lane.map { [$0.name] } ?? []) + (limits.rate == nil ? [] : ["rate \(job)"]) + keys(of: limits.places)
        }

        private static func keys(of places: [SharedPlace]) -> [String] {
            places.map { "place \(UInt64(bitPattern: PostgreSQLTransaction.number($0.key)) % placeLocks)" }
        }

        /// Where a job that is about to be claimed stands; it has entered the lines for its places when it can.
        static func standing(
            _ transaction: PostgreSQLTransaction, _ request: WireJobRequest, _ limits: SharedLimits
        ) throws -> Result<Standing, Busy> {
            var isFirst = true
            if let lane = limits.lane {
                let before = try transaction.query(
                    "SELECT count(*) FROM job WHERE lane = $1 AND lane <> '' AND finished_at IS NULL", [.text(lane.name)]
                ).first?.int(0)
                isFirst = before == 0
                if (before ?? 0) > lane.queue {
                    return .failure(Busy(reason: "too many jobs are waiting already in the lane of this one"))
                }
            }
            if let rate = limits.rate, try !take(transaction, rate, of: request.job) {
                return .failure(Busy(reason: "job \(request.job) is asked for more often than its rate allows"))
            }
            guard isFirst else { return .success(.outside) }
            guard !limits.places.isEmpty else { return .success(.inLane) }
            return .success(try enter(transaction, request.jobID, limits.places) ? .holds : .entered)
        }

        /// As ``TokenBucket``, on the server's clock. False when there is none left.
        private static func take(_ transaction: PostgreSQLTransaction, _ rate: TokenBucket.Rate, of job: String) throws -> Bool {
            let taken = try transaction.execute(
                """
                INSERT INTO rate AS known (job, full_at)
                SELECT $1, now + $2 FROM (SELECT (extract(epoch FROM statement_timestamp()) * 1000000)::bigint AS now) AS clock
                ON CONFLICT (job) DO UPDATE SET full_at = greatest(known.full_at, EXCLUDED.full_at - $2) + $2
                WHERE known.full_at - $2 * ($3 - 1) <= EXCLUDED.full_at - $2
                """, [.text(job), .int(max(1, rate.interval / 1000)), .int(Int64(rate.burst))])
            return taken == 1
        }

        private static func enter(_ transaction: PostgreSQLTransaction, _ jobID: String, _ places: [SharedPlace]) throws -> Bool {
            let rows = try transaction.query(
                """
                WITH need AS (
                    SELECT DISTINCT key, wanted FROM unnest(string_to_array($2, chr(10)), $3::text::bigint[]) AS need (key, wanted)
                ), left_before AS (
                    DELETE FROM place WHERE job = $1
                ), drawn AS MATERIALIZED (
                    SELECT nextval('place_turn') AS turn, NOT EXISTS (
                        SELECT 1 FROM need WHERE
                            (SELECT count(*) FROM place WHERE place.key = need.key AND place.job <> $1) >= need.wanted
                    ) AS is_free
                )
                INSERT INTO place (key, turn, job, wanted, granted, holder)
                SELECT key, turn, $1, wanted, is_free, $4 FROM need, drawn
                RETURNING granted
                """,
                [
                    .text(jobID), .text(places.map(\.key).joined(separator: separator)),
                    .text("{\(places.map { String($0.limit) }.joined(separator: ","))}"), .int(transaction.epoch),
                ])
            return rows.first?.int(0) == 1
        }

        /// Gives the places of a job back, and tells of it.
        static func leave(_ transaction: PostgreSQLTransaction, _ jobID: String) throws {
            try transaction.execute(
                "DELETE FROM place WHERE job = $1 AND holder = $2", [.text(jobID), .int(transaction.epoch)])
            transaction.news.append(.left(jobID))
        }

        func enter(_ jobID: String, _ places: [SharedPlace]) async throws(JournalError) -> Bool {
            try await commits.record("enter", keys: Self.keys(of: places)) { transaction, _ in
                try Self.enter(transaction, jobID, places)
            }
        }

        func granted(_ jobIDs: [String]) async throws(JournalError) -> [String] {
            let ids = PostgreSQLValue.text(jobIDs.joined(separator: Self.separator))
            return try await commits.perform("take places") { transaction in
                try transaction.execute(
                    """
                    UPDATE place SET granted = TRUE WHERE job IN (
                        SELECT own.job FROM place AS own WHERE own.job = ANY (string_to_array($1, chr(10))) AND NOT own.granted
                        GROUP BY own.job HAVING bool_and((
                            SELECT count(*) FROM place WHERE place.key = own.key AND place.job <> own.job
                                AND (place.granted OR place.turn < own.turn)
                        ) < own.wanted)
                    )
                    """, [ids])
                return try transaction.query(
                    "SELECT DISTINCT job FROM place WHERE job = ANY (string_to_array($1, chr(10))) AND granted", [ids]
                ).all.map { $0.text(0) }
            }
        }

        func heads(_ jobIDs: [String]) async throws(JournalError) -> [String] {
            try await look("look at lanes", finder) { connection in
                try connection.query(
                    """
                    SELECT id FROM job WHERE id = ANY (string_to_array($1, chr(10))) AND NOT EXISTS (
                        SELECT 1 FROM job AS other WHERE other.lane = job.lane AND other.lane <> '' AND other.finished_at IS NULL
                            AND other.number < job.number
                    )
                    """, [.text(jobIDs.joined(separator: Self.separator))]
                ).all.map { $0.text(0) }
            }
        }

        func listen(_ told: @escaping @Sendable ([JournalNews]) -> Void) { news.listen(told) }
    }
#endif
