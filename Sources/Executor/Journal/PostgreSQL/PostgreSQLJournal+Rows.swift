#if PostgreSQL
    internal import FoundationEssentials
    internal import ProtocolMessages
    internal import SwiftProtobuf

    extension PostgreSQLJournal {
        private static let head = "job.id, ingress, status, reason, error, attempt, request, request_digest"
        private static let tail = "job.accepted_at, finished_at, due_at, origin, operator, letter, is_cancelled"

        /// All that ``stored(_:)`` reads.
        static let columns = "\(head), body, result, progress, \(tail)"
        /// The same without what may be long.
        static let listColumns = "\(head), NULL::bytea, NULL::bytea, NULL::bytea, \(tail)"

        static func stored(_ row: PostgreSQLRow) throws -> StoredJob {
            func result(_ column: Int32) throws -> WireJobResult? { try row.bytes(column).map { try ResultBlob.read(Data($0)) } }
            return StoredJob(
                request: try WireJobRequest(serializedBytes: row.bytes(6) ?? []), digest: row.bytes(7) ?? [],
                ingress: row.text(1),
                body: row.bytes(8), status: WireJobStatus(rawValue: Int(row.int(2) ?? 0)) ?? .unknown,
                reason: WireReason(rawValue: Int(row.int(3) ?? 0)) ?? .unspecified, error: row.text(4),
                attempt: UInt32(clamping: row.int(5) ?? 0), acceptedAt: row.int(11) ?? 0, finishedAt: row.int(12),
                result: try result(9), dueAt: row.int(13), progress: try result(10), origin: row.text(14),
                operatorName: row.text(15), letter: row.int(16).flatMap { DeadLetter(rawValue: $0) } ?? .none,
                isCancelled: row.int(17) == 1)
        }

        /// What is known that may stand in a claim's way.
        struct Earlier {
            /// The job of the same id.
            var same: StoredJob?
            /// The newest jobs under the dedupe key: that of the claim's own event, and that of any. Jobs of another name do not count, as in
            /// every journal.
            var others: [StoredJob] = []
            /// The turn that is next under the dedupe key.
            var turn: Int64 = 1
        }

        static func earlier(_ transaction: PostgreSQLTransaction, _ request: WireJobRequest, key: String) throws -> Earlier {
            let rows = try transaction.query(
                """
                (SELECT \(columns), 0::bigint AS part, turn FROM job WHERE id = $1)
                UNION ALL
                (SELECT \(columns), 1, turn FROM job
                    WHERE dedupe_key = $2 AND dedupe_key <> '' AND job = $3 AND event_id = $4 AND event_id <> ''
                    ORDER BY turn DESC LIMIT 1)
                UNION ALL
                (SELECT \(columns), 2, turn FROM job
                    WHERE dedupe_key = $2 AND dedupe_key <> '' AND job = $3 ORDER BY turn DESC LIMIT 1)
                ORDER BY part
                """, [.text(request.jobID), .text(key), .text(request.job), .text(request.eventID)])
            var earlier = Earlier()
            for row in rows.all {
                let job = try stored(row)
                switch row.int(18) {
                case 0: earlier.same = job
                case 1: earlier.others = [job]
                default:
                    if earlier.others.first?.id != job.id { earlier.others.append(job) }
                    earlier.turn = (row.int(19) ?? 0) + 1
                }
            }
            return earlier
        }

        static func insert(
            _ transaction: PostgreSQLTransaction, _ claim: JobClaim, as status: WireJobStatus, key: String, turn: Int64
        ) throws {
            let request = claim.request
            // A replay's history begins with where it comes from.
            let what = claim.replay == nil ? PostgreSQLValue.text(HistoryText.state(status)) : .null
            try transaction.execute(
                """
                WITH new AS (
                    INSERT INTO job (id, ingress, hook, job, dedupe_key, turn, event_id, sender_attempt, status, reason, error, request,
                        request_digest, key_id, signature, body, accepted_at, finished_at, origin, operator, correlation_id, hosts, holder, lane)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $25)
                    RETURNING number, accepted_at, hosts
                ), places AS (
                    INSERT INTO job_host (host, accepted_at, number)
                    SELECT DISTINCT host, accepted_at, number FROM new, unnest(string_to_array(hosts, ',')) AS host
                    RETURNING 1
                )
                INSERT INTO event (job, at, what, destination)
                SELECT number, accepted_at, $24::text, '' FROM new WHERE $24::text IS NOT NULL
                """,
                [
                    .text(request.jobID), .text(claim.ingress), .text(request.hook), .text(request.job), .text(key), .int(turn),
                    .text(request.eventID), .int(Int64(request.attempt)), .int(Int64(status.rawValue)),
                    .int(Int64(claim.refusal?.reason.rawValue ?? 0)), .text(claim.refusal?.message ?? ""), .bytes(claim.payload),
                    .bytes(claim.digest), .text(claim.keyID), .bytes(claim.signature), .bytes(claim.body), .int(claim.now),
                    .int(claim.refusal == nil ? nil : claim.now), .text(claim.replay?.origin ?? ""),
                    .text(claim.replay?.operatorName ?? ""), .text(request.correlationID),
                    .text(claim.hosts.joined(separator: ",")), .int(transaction.epoch), what,
                    .text(claim.limits?.lane?.name ?? ""),
                ])
            guard let replay = claim.replay else { return }
            try replayed(transaction, replay, as: request.jobID, at: claim.now)
            try add(transaction, request.jobID, at: claim.now, HistoryText.state(status), destination: "")
        }

        private static func replayed(_ transaction: PostgreSQLTransaction, _ replay: Replay, as jobID: String, at now: Int64)
            throws
        {
            guard !replay.origin.isEmpty else {
                return try add(transaction, jobID, at: now, HistoryText.askedFor(by: replay.operatorName), destination: "")
            }
            try transaction.execute(
                "UPDATE job SET letter = $1 WHERE id = $2 AND letter = $3",
                [.int(DeadLetter.replayed.rawValue), .text(replay.origin), .int(DeadLetter.open.rawValue)])
            try add(
                transaction, replay.origin, at: now, HistoryText.replayed(as: jobID, by: replay.operatorName), destination: "")
            try add(
                transaction, jobID, at: now, HistoryText.replay(of: replay.origin, by: replay.operatorName), destination: "")
        }

        /// - Throws: ``PostgreSQLError`` when there is no such job.
        static func add(
            _ transaction: PostgreSQLTransaction, _ jobID: String, at time: Int64, _ what: String, destination: String
        ) throws(PostgreSQLError) {
            let added = try transaction.execute(
                "INSERT INTO event (job, at, what, destination) SELECT number, $2, $3, $4 FROM job WHERE id = $1",
                [.text(jobID), .int(time), .text(what), .text(destination)])
            guard added == 1 else { throw PostgreSQLError(.damaged, "there is no job \(jobID)") }
        }
    }
#endif
