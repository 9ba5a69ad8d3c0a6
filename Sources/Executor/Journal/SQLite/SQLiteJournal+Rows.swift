internal import FoundationEssentials
internal import GRDB
internal import ProtocolMessages
internal import SwiftProtobuf

/// Bytes as the database stores them.
typealias DatabaseBytes = Data

extension SQLiteJournal {
    static func row(
        _ database: Database, _ condition: String, _ arguments: [any DatabaseValueConvertible]
    ) throws -> StoredJob? {
        let statement = try database.cachedStatement(sql: "SELECT * FROM job WHERE \(condition)")
        return try Row.fetchOne(statement, arguments: bound(arguments)).map(stored)
    }

    /// The newest jobs under a request's dedupe key: that of its own event, and that of any.
    ///
    /// Jobs of another name do not count: an ingress that was taken over must not stand in the way of one whose jobs it may not ask for.
    ///
    /// The conditions that look superfluous are those of the partial indices: without them SQLite reads the whole table.
    static func earlier(_ database: Database, _ request: WireJobRequest) throws -> [StoredJob] {
        guard !request.dedupeKey.isEmpty else { return [] }
        let newest = try row(
            database, "dedupe_key = ? AND dedupe_key <> '' AND +job = ? ORDER BY number DESC LIMIT 1",
            [request.dedupeKey, request.job])
        guard let newest, newest.request.eventID != request.eventID, !request.eventID.isEmpty else {
            return newest.map { [$0] } ?? []
        }
        let own = try row(
            database, "+dedupe_key = ? AND event_id = ? AND event_id <> '' AND +job = ? ORDER BY number DESC LIMIT 1",
            [request.dedupeKey, request.eventID, request.job])
        return (own.map { [$0] } ?? []) + [newest]
    }

    static func rows(
        _ database: Database, _ condition: String, _ arguments: [any DatabaseValueConvertible]
    ) throws -> [StoredJob] {
        let statement = try database.cachedStatement(sql: "SELECT * FROM job WHERE \(condition)")
        return try Row.fetchAll(statement, arguments: bound(arguments)).map(stored)
    }

    /// What goes to the database: a text would end at its first NUL there.
    static func bound(_ values: [(any DatabaseValueConvertible)?]) -> StatementArguments {
        StatementArguments(values.map { ($0 as? String)?.withoutNUL ?? $0 })
    }

    static func execute(_ database: Database, _ sql: String, _ arguments: [any DatabaseValueConvertible]) throws {
        try database.cachedStatement(sql: sql).execute(arguments: bound(arguments))
    }

    static func insert(_ database: Database, _ claim: JobClaim) throws {
        let request = claim.request
        let finishedAt: Int64? = claim.refusal == nil ? nil : claim.now
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO job (id, ingress, hook, job, dedupe_key, event_id, sender_attempt, status, reason, error, request,
                    request_digest, key_id, signature, body, accepted_at, finished_at, origin, operator, correlation_id, hosts)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        // A refused request must not stand in the way of the same event once the policy allows it.
        let dedupeKey = claim.refusal == nil ? request.dedupeKey : ""
        let values: [(any DatabaseValueConvertible)?] = [
            request.jobID, claim.ingress, request.hook, request.job, dedupeKey, request.eventID, Int64(request.attempt),
            claim.status.rawValue, claim.refusal?.reason.rawValue ?? 0, claim.refusal?.message ?? "", Data(claim.payload),
            Data(claim.digest), claim.keyID, Data(claim.signature), claim.body.map { Data($0) }, claim.now, finishedAt,
            claim.replay?.origin ?? "", claim.replay?.operatorName ?? "", request.correlationID,
            claim.hosts.isEmpty ? "" : ",\(claim.hosts.joined(separator: ",")),",
        ]
        try statement.execute(arguments: bound(values))
        let number = database.lastInsertedRowID
        for host in Set(claim.hosts) {
            try execute(
                database, "INSERT INTO job_host (host, accepted_at, number) VALUES (?, ?, ?)", [host, claim.now, number])
        }
        if let replay = claim.replay { try replayed(database, replay, as: request.jobID, at: claim.now) }
        try add(database, request.jobID, at: claim.now, HistoryText.state(claim.status), destination: "")
    }

    /// Removes jobs that finished before `cutoff`, the oldest first, with their history and their places on hosts; returns how many.
    static func prune(_ database: Database, before cutoff: Int64, limit: Int) throws -> Int {
        let old = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT number, accepted_at, hosts FROM job WHERE finished_at IS NOT NULL AND finished_at < ?
                    ORDER BY finished_at LIMIT ?
                    """), arguments: [cutoff, limit])
        for row in old {
            let (number, acceptedAt, hosts): (Int64, Int64, String) = (row["number"], row["accepted_at"], row["hosts"])
            for host in hosts.split(separator: ",") {
                try execute(
                    database, "DELETE FROM job_host WHERE host = ? AND accepted_at = ? AND number = ?",
                    [String(host), acceptedAt, number])
            }
            try execute(database, "DELETE FROM job WHERE number = ?", [number])
        }
        return old.count
    }

    private static func replayed(_ database: Database, _ replay: Replay, as jobID: String, at now: Int64) throws {
        guard !replay.origin.isEmpty else {
            return try add(database, jobID, at: now, HistoryText.askedFor(by: replay.operatorName), destination: "")
        }
        try execute(
            database, "UPDATE job SET letter = ? WHERE id = ? AND letter = ?",
            [DeadLetter.replayed.rawValue, replay.origin, DeadLetter.open.rawValue])
        try add(database, replay.origin, at: now, HistoryText.replayed(as: jobID, by: replay.operatorName), destination: "")
        try add(database, jobID, at: now, HistoryText.replay(of: replay.origin, by: replay.operatorName), destination: "")
    }

    static func add(_ database: Database, _ jobID: String, at: Int64, _ what: String, destination: String) throws {
        try execute(
            database, "INSERT INTO event (job_id, at, what, destination) VALUES (?, ?, ?, ?)", [jobID, at, what, destination])
    }

    static func stored(_ row: Row) throws -> StoredJob {
        let result: Data? = row["result"]
        let body: Data? = row["body"]
        let progress: Data? = row["progress"]
        return StoredJob(
            request: try WireJobRequest(serializedBytes: row["request"] as Data), digest: [UInt8](row["request_digest"] as Data),
            ingress: row["ingress"], body: body.map { [UInt8]($0) }, status: WireJobStatus(rawValue: row["status"]) ?? .unknown,
            reason: WireReason(rawValue: row["reason"]) ?? .unspecified, error: row["error"],
            attempt: UInt32(clamping: row["attempt"] as Int64), acceptedAt: row["accepted_at"], finishedAt: row["finished_at"],
            result: try result.map(ResultBlob.read), dueAt: row["due_at"],
            progress: try progress.map(ResultBlob.read), origin: row["origin"],
            operatorName: row["operator"], letter: DeadLetter(rawValue: row["letter"]) ?? .none)
    }
}
