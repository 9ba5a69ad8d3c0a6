internal import GRDB
internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// The journal in one SQLite file: write-ahead log, `synchronous=FULL`, group commit.
final class SQLiteJournal: Journal {
    private let commits: CommitQueue

    /// Opens or makes the file and brings its tables up to date. Blocks; call before serving.
    ///
    /// - Throws: ``JournalError`` naming the file and the step.
    init(path: String) throws(JournalError) {
        do {
            var configuration = Configuration()
            configuration.label = "journal"
            // Somebody may look at it with another program.
            configuration.busyMode = .timeout(2)
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode=WAL")
                try database.execute(sql: "PRAGMA synchronous=FULL")
                try database.execute(sql: "PRAGMA temp_store=MEMORY")
            }
            let database = try DatabaseQueue(path: path, configuration: configuration)
            try JournalSchema.migrator.migrate(database)
            commits = CommitQueue(database, path: path)
        } catch {
            throw JournalError(
                step: "open", path: path, underlying: "\(error)")
        }
    }

    func claim(_ claim: JobClaim) async throws(JournalError) -> ClaimOutcome {
        try await commits.perform("claim") { database in
            if let known = try Self.row(database, "id = ?", [claim.request.jobID]) {
                return known.digest == claim.digest ? .known(known) : .conflict
            }
            if claim.status != .refused {
                for other in try Self.earlier(database, claim.request) {
                    if DedupeRule.contradicts(claim.request, other) { return .contradiction(other) }
                    if !DedupeRule.runsAgain(claim.request, after: other, now: claim.now) { return .duplicate(other) }
                }
            }
            guard !claim.expired else { return .expired }
            try Self.insert(database, claim)
            return .claimed
        }
    }

    func mark(_ jobID: String, _ status: WireJobStatus, attempt: UInt32) async throws(JournalError) {
        try await commits.perform("mark") { database in
            try Self.execute(
                database, "UPDATE job SET status = ?, attempt = ? WHERE id = ? AND finished_at IS NULL",
                [status.rawValue, Int64(attempt), jobID])
        }
    }

    func finish(_ jobID: String, _ result: WireJobResult) async throws(JournalError) {
        let bytes: [UInt8]
        do {
            bytes = try result.serializedBytes()
        } catch {
            throw JournalError(step: "finish", path: "", underlying: "\(error)")
        }
        try await commits.perform("finish") { database in
            try Self.execute(
                database,
                """
                UPDATE job SET status = ?, reason = ?, error = ?, result = ?, finished_at = ?, body = NULL
                WHERE id = ? AND finished_at IS NULL
                """,
                [
                    result.status.rawValue, result.reason.rawValue, result.error, DatabaseBytes(bytes), result.finishedAtMs,
                    jobID,
                ])
            guard database.changesCount > 0 else { return }
            try Self.add(database, jobID, at: result.finishedAtMs, JobNames.name(result.status), destination: "")
        }
    }

    func note(_ jobID: String, _ what: String, destination: String) async throws(JournalError) {
        let now = WallClock.now()
        try await commits.perform("note") { database in
            try Self.add(database, jobID, at: now, what, destination: destination)
        }
    }

    func noteLater(_ jobID: String, _ what: String, destination: String) {
        let now = WallClock.now()
        commits.add { database in try Self.add(database, jobID, at: now, what, destination: destination) }
    }

    func unfinished() async throws(JournalError) -> [StoredJob] {
        try await commits.perform("read unfinished jobs") { database in
            try Self.rows(database, "finished_at IS NULL ORDER BY number", [])
        }
    }

    func find(_ id: String) async throws(JournalError) -> StoredJob? {
        try await commits.perform("find") { database in
            try Self.row(database, "id = ?", [id])
                ?? Self.row(database, "event_id = ? AND event_id <> '' ORDER BY number DESC LIMIT 1", [id])
        }
    }

    func list(limit: Int, status: WireJobStatus?, job: String?) async throws(JournalError) -> [StoredJob] {
        try await commits.perform("list") { database in
            var conditions = ["1"]
            var arguments: [any DatabaseValueConvertible] = []
            if let status {
                conditions.append("status = ?")
                arguments.append(status.rawValue)
            }
            if let job {
                conditions.append("job = ?")
                arguments.append(job)
            }
            arguments.append(limit)
            return try Self.rows(
                database, "\(conditions.joined(separator: " AND ")) ORDER BY number DESC LIMIT ?", arguments)
        }
    }

    func history(_ jobID: String) async throws(JournalError) -> [WireJobEvent] {
        try await commits.perform("history") { database in
            let rows = try Row.fetchAll(
                database.cachedStatement(sql: "SELECT at, what, destination FROM event WHERE job_id = ? ORDER BY number"),
                arguments: [jobID])
            return rows.map { row in
                .with {
                    $0.atMs = row["at"]
                    $0.what = row["what"]
                    $0.destination = row["destination"]
                }
            }
        }
    }

    func prune(before cutoff: Int64, limit: Int) async throws(JournalError) -> Int {
        try await commits.perform("prune") { database in
            try Self.execute(
                database,
                "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished_at IS NOT NULL AND finished_at < ? ORDER BY finished_at LIMIT ?)",
                [cutoff, limit])
            return database.changesCount
        }
    }
}
