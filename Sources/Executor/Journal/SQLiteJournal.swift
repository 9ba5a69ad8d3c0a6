internal import Audit
internal import Authentication
internal import GRDB
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf

/// The journal in one SQLite file: write-ahead log, `synchronous=FULL`, group commit.
final class SQLiteJournal: Journal {
    private let commits: CommitQueue
    private let audit: AuditTrail
    private let logger: Logger

    /// Opens or makes the file, brings its tables up to date and takes up the audit log. Blocks; call before serving.
    ///
    /// - Throws: ``JournalError`` naming the file and the step.
    init(path: String, audit settings: AuditSettings, logger: Logger) throws(JournalError) {
        self.logger = logger
        let database: DatabaseQueue
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
            database = try DatabaseQueue(path: path, configuration: configuration)
            try JournalSchema.migrator.migrate(database)
        } catch {
            throw JournalError(
                step: "open", path: path, underlying: "\(error)")
        }
        do {
            audit = try AuditStart.open(settings, database, logger: logger)
        } catch {
            throw JournalError(step: "take up the audit log", path: path, underlying: "\(error)")
        }
        commits = CommitQueue(database, path: path, audit: audit)
    }

    func claim(_ claim: JobClaim) async throws(JournalError) -> ClaimOutcome {
        let audit = audit
        return try await commits.record("claim") { database, events in
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
            try audit.admit()
            try Self.insert(database, claim)
            events += claim.events
            return .claimed
        }
    }

    func mark(
        _ jobID: String, _ status: WireJobStatus, attempt: UInt32, _ audited: [AuditEvent]
    ) async throws(JournalError) {
        try await commits.record("mark") { database, events in
            events += audited
            try Self.execute(
                database, "UPDATE job SET status = ?, attempt = ? WHERE id = ? AND finished_at IS NULL",
                [status.rawValue, Int64(attempt), jobID])
        }
    }

    func finish(_ jobID: String, _ result: WireJobResult, _ audited: [AuditEvent]) async throws(JournalError) {
        let bytes: [UInt8]
        do {
            bytes = try result.serializedBytes()
        } catch {
            throw JournalError(step: "finish", path: "", underlying: "\(error)")
        }
        let end = AuditEvent.result(jobID, result, digest: SHA256.hash(bytes))
        try await commits.record("finish") { database, events in
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
            events += audited + [end]
        }
    }

    func note(_ jobID: String, _ what: String, destination: String, _ event: AuditEvent) async throws(JournalError) {
        try await commits.record("note") { database, events in
            try Self.add(database, jobID, at: event.time, what, destination: destination)
            events.append(event)
        }
    }

    func noteLater(_ jobID: String, _ what: String, destination: String) {
        let now = WallClock.now()
        commits.add { database, _ in try Self.add(database, jobID, at: now, what, destination: destination) }
    }

    func record(_ audited: [AuditEvent]) async throws(JournalError) {
        try await commits.record("record") { _, events in events += audited }
    }

    func recordLater(_ audited: [AuditEvent]) {
        let (audit, logger) = (audit, logger)
        commits.add { _, events in
            try audit.admit()
            events += audited
        } failed: { error in
            logger.error(
                "not recorded in the audit log",
                metadata: ["kinds": "\(audited.map(\.kind).joined(separator: ", "))", "error": "\(error)"])
        }
    }

    func close() { audit.close() }

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
