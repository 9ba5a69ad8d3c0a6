internal import Audit
internal import GRDB
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Telemetry

/// The journal in one SQLite file: write-ahead log, `synchronous=FULL`, group commit.
final class SQLiteJournal: Journal {
    let commits: CommitQueue<SQLiteStore>
    /// For what an operator looks at: a long search delays no claim.
    private let reader: DatabaseQueue
    let audit: AuditTrail
    let path: String
    private let logger: Logger

    /// Opens or makes the file, brings its tables up to date and takes up the audit log. Blocks; call before serving.
    ///
    /// - Parameters:
    ///   - maximumSize: bytes; at that size the journal is full as on a full disk. Nil for none.
    ///   - commitDuration: told how long each commit took.
    /// - Throws: ``JournalError`` naming the file and the step.
    init(
        path: String, maximumSize: Int? = nil, audit settings: AuditSettings, in directory: AuditDirectory,
        commitDuration: Histogram? = nil, logger: Logger
    ) throws(JournalError) {
        self.logger = logger
        self.path = path
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
                if let maximumSize {
                    let page = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
                    try database.execute(sql: "PRAGMA max_page_count=\(max(1, maximumSize / page))")
                }
            }
            database = try DatabaseQueue(path: path, configuration: configuration)
            // A version that does not know a table could break what it promises.
            guard try !database.read(SQLiteSchema.migrator.hasBeenSuperseded) else {
                throw JournalError(
                    step: "open", place: path,
                    underlying:
                        "a newer version has changed it; run that version, or put back journal and audit log as they were before it"
                )
            }
            try SQLiteSchema.migrator.migrate(database)
            configuration.label = "journal reader"
            configuration.readonly = true
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA temp_store=MEMORY") }
            reader = try DatabaseQueue(path: path, configuration: configuration)
        } catch let error as JournalError {
            throw error
        } catch {
            throw JournalError(step: "open", place: path, error)
        }
        do {
            let kept = try database.read { try SQLiteAuditTable(database: $0).kept() }
            audit = try AuditStart.open(settings, in: directory, kept, logger: logger)
        } catch {
            throw JournalError(step: "take up the audit log", place: path, underlying: "\(error)")
        }
        commits = CommitQueue(SQLiteStore(database: database, place: path), audit: audit, duration: commitDuration)
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
            return .claimed(claim.status == .running ? .holds : .outside)
        }
    }

    func mark(
        _ jobID: String, _ status: WireJobStatus, attempt: UInt32, _ audited: [AuditEvent]
    ) async throws(JournalError) {
        try await commits.record("mark") { database, events in
            events += audited
            try Self.execute(
                database, "UPDATE job SET status = ?, attempt = ?, due_at = NULL WHERE id = ? AND finished_at IS NULL",
                [status.rawValue, Int64(attempt), jobID])
        }
    }

    func postpone(
        _ jobID: String, attempt: UInt32, until: Int64, _ progress: WireJobResult, _ audited: [AuditEvent]
    ) async throws(JournalError) {
        let record = try ResultRecord(progress, "postpone", path)
        let now = WallClock.now()
        try await commits.record("postpone") { database, events in
            events += audited
            try Self.execute(
                database, "UPDATE job SET status = ?, attempt = ?, due_at = ?, progress = ? WHERE id = ? AND finished_at IS NULL",
                [WireJobStatus.accepted.rawValue, Int64(attempt), until, DatabaseBytes(record.stored), jobID])
            try Self.add(
                database, jobID, at: now,
                HistoryText.postponed(attempt: attempt, progress.reason, wait: until - now), destination: "")
        }
    }

    func advance(
        _ jobID: String, attempt: UInt32, _ progress: WireJobResult, _ audited: [AuditEvent]
    ) async throws(JournalError) {
        let record = try ResultRecord(progress, "advance", path)
        try await commits.record("advance") { database, events in
            events += audited
            try Self.execute(
                database,
                "UPDATE job SET status = ?, attempt = ?, due_at = NULL, progress = ? WHERE id = ? AND finished_at IS NULL",
                [WireJobStatus.running.rawValue, Int64(attempt), DatabaseBytes(record.stored), jobID])
        }
    }

    func finish(_ jobID: String, _ result: WireJobResult, _ audited: [AuditEvent]) async throws(JournalError) {
        let record = try ResultRecord(result, "finish", path)
        let letter = result.status == .dead ? DeadLetter.open : .none
        let end = AuditEvent.result(jobID, result, digest: record.digest)
        try await commits.record("finish") { database, events in
            try Self.execute(
                database,
                """
                UPDATE job SET status = ?, reason = ?, error = ?, result = ?, finished_at = ?, attempt = ?, letter = ?,
                    due_at = NULL, progress = NULL, body = CASE WHEN ? THEN NULL ELSE body END
                WHERE id = ? AND finished_at IS NULL
                """,
                [
                    result.status.rawValue, result.reason.rawValue, result.error, DatabaseBytes(record.stored),
                    result.finishedAtMs,
                    Int64(result.attempts), letter.rawValue, result.status == .succeeded, jobID,
                ])
            guard database.changesCount > 0 else { return }
            try Self.add(database, jobID, at: result.finishedAtMs, HistoryText.state(result.status), destination: "")
            events += audited + [end]
        }
    }

    func note(_ jobID: String, _ what: String, destination: String, _ event: AuditEvent?) async throws(JournalError) {
        let time = event?.time ?? WallClock.now()
        try await commits.record("note") { database, events in
            try Self.add(database, jobID, at: time, what, destination: destination)
            if let event { events.append(event) }
        }
    }

    func noteLater(_ jobID: String, _ what: String, destination: String) {
        let now = WallClock.now()
        commits.add { database, _ in try Self.add(database, jobID, at: now, what, destination: destination) }
    }

    func record(_ audited: [AuditEvent]) async throws(JournalError) {
        try await commits.record("record") { _, events in events += audited }
    }

    func recordLater(_ audited: [AuditEvent]) { commits.recordLater(audited, logger) }

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

    func discard(_ jobID: String, by operatorName: String) async throws(JournalError) -> Bool {
        let now = WallClock.now()
        return try await commits.perform("discard") { database in
            try Self.execute(
                database, "UPDATE job SET letter = ?, body = NULL WHERE id = ? AND letter = ?",
                [DeadLetter.discarded.rawValue, jobID, DeadLetter.open.rawValue])
            guard database.changesCount > 0 else { return false }
            try Self.add(database, jobID, at: now, HistoryText.discarded(by: operatorName), destination: "")
            return true
        }
    }

    func prune(before cutoff: Int64, limit: Int) async throws(JournalError) -> Int {
        try await commits.perform("prune") { try Self.prune($0, before: cutoff, limit: limit) }
    }
}

extension SQLiteJournal {
    func list(_ filter: JobFilter, limit: Int) async throws(JournalError) -> [StoredJob] {
        try await look("list") { database in
            let search = try SQLiteSearch(filter, database)
            return try Row.fetchAll(
                database.cachedStatement(sql: search.sql), arguments: Self.bound(search.arguments + [limit])
            ).map(Self.stored)
        }
    }

    func history(_ jobID: String) async throws(JournalError) -> [WireJobEvent] {
        try await look("history") { database in
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

    /// Reads beside the writer, what is durable by now.
    func look<T: Sendable>(
        _ step: String, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws(JournalError) -> T {
        do {
            return try await reader.read(body)
        } catch {
            throw JournalError(step: step, place: path, error)
        }
    }
}
