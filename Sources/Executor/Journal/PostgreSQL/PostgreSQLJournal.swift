#if PostgreSQL
    internal import Audit
    internal import JobProtocol
    internal import Logging
    internal import ProtocolMessages
    internal import SwiftProtobuf
    internal import Synchronization
    internal import Telemetry

    /// The journal in a PostgreSQL database, which several executors share: each event is claimed once among all of them.
    ///
    /// One connection writes, with group commit; one finds jobs, and one is for what operators look at.
    final class PostgreSQLJournal: SharedJournal {
        let commits: CommitQueue<PostgreSQLStore>
        let finder: PostgreSQLReader
        private let viewer: PostgreSQLReader
        let epoch: Int64
        let audit: AuditTrail
        let place: String
        private let logger: Logger
        let news: PostgreSQLNews
        /// Jobs of others that a takeover is about.
        private let adopting = Mutex<[String]>([])

        /// Connects, brings the tables up to date, takes over what the executor of the same name had left, and takes up its audit log.
        /// Blocks; call before serving.
        ///
        /// - Parameter commitDuration: told how long each commit took.
        /// - Throws: ``JournalError`` naming the database and the step.
        init(
            _ target: PostgreSQLTarget, audit settings: AuditSettings, in directory: AuditDirectory,
            commitDuration: Histogram? = nil, logger: Logger
        ) throws(JournalError) {
            self.logger = logger
            place = target.place
            let store: PostgreSQLStore
            let kept: AuditKept
            do {
                store = try PostgreSQLStore(target, name: settings.origin)
                kept = try store.keptAudit()
            } catch let error as JournalError {
                throw error
            } catch {
                throw JournalError(step: "open", place: target.place, postgreSQL: error)
            }
            do {
                audit = try AuditStart.open(settings, in: directory, kept, logger: logger)
            } catch {
                throw JournalError(step: "take up the audit log", place: target.place, underlying: "\(error)")
            }
            epoch = store.epoch
            commits = CommitQueue(store, audit: audit, duration: commitDuration)
            news = PostgreSQLNews(target, logger: logger)
            finder = PostgreSQLReader(target, label: "sallyport.journal.find")
            viewer = PostgreSQLReader(target, label: "sallyport.journal.view")
        }

        func claim(_ claim: JobClaim) async throws(JournalError) -> ClaimOutcome {
            let audit = audit
            let request = claim.request
            // A refused request must not stand in the way of the same event once the policy allows it.
            let key = claim.status == .refused ? "" : request.dedupeKey
            let keys = Self.keys(request.jobID, request.job, key) + Self.keys(of: claim.limits, job: request.job)
            return try await commits.record("claim", keys: keys) { transaction, events in
                let earlier = try Self.earlier(transaction, request, key: key)
                if let known = earlier.same { return known.digest == claim.digest ? .known(known) : .conflict }
                for other in earlier.others {
                    if DedupeRule.contradicts(request, other) { return .contradiction(other) }
                    if !DedupeRule.runsAgain(request, after: other, now: claim.now) { return .duplicate(other) }
                }
                guard !claim.expired else { return .expired }
                try audit.admit()
                var standing = Standing.outside
                if let limits = claim.limits {
                    switch try Self.standing(transaction, request, limits) {
                    case .success(let found): standing = found
                    case .failure(let busy): return .busy(busy.reason)
                    }
                }
                let waits = claim.limits != nil && claim.status == .running && standing != .holds
                try Self.insert(
                    transaction, claim, as: waits ? .accepted : claim.status, key: key, turn: key.isEmpty ? 0 : earlier.turn)
                events += waits ? claim.limits?.waiting ?? [] : claim.events
                return .claimed(standing)
            }
        }

        func mark(
            _ jobID: String, _ status: WireJobStatus, attempt: UInt32, _ audited: [AuditEvent]
        ) async throws(JournalError) {
            try await commits.record("mark") { transaction, events in
                events += audited
                try transaction.execute(
                    """
                    UPDATE job SET status = $1, attempt = $2, due_at = NULL
                    WHERE id = $3 AND finished_at IS NULL AND holder = $4
                    """, [.int(Int64(status.rawValue)), .int(Int64(attempt)), .text(jobID), .int(transaction.epoch)])
            }
        }

        func postpone(
            _ jobID: String, attempt: UInt32, until: Int64, _ progress: WireJobResult, _ audited: [AuditEvent]
        ) async throws(JournalError) {
            let record = try ResultRecord(progress, "postpone", place)
            let now = WallClock.now()
            let what = HistoryText.postponed(attempt: attempt, progress.reason, wait: until - now)
            try await commits.record("postpone") { transaction, events in
                events += audited
                try transaction.execute(
                    """
                    UPDATE job SET status = $1, attempt = $2, due_at = $3, progress = $4
                    WHERE id = $5 AND finished_at IS NULL AND holder = $6
                    """,
                    [
                        .int(Int64(WireJobStatus.accepted.rawValue)), .int(Int64(attempt)), .int(until), .bytes(record.stored),
                        .text(jobID), .int(transaction.epoch),
                    ])
                try Self.add(transaction, jobID, at: now, what, destination: "")
                try Self.leave(transaction, jobID)
            }
        }

        func advance(
            _ jobID: String, attempt: UInt32, _ progress: WireJobResult, _ audited: [AuditEvent]
        ) async throws(JournalError) {
            let record = try ResultRecord(progress, "advance", place)
            try await commits.record("advance") { transaction, events in
                events += audited
                try transaction.execute(
                    """
                    UPDATE job SET status = $1, attempt = $2, due_at = NULL, progress = $3
                    WHERE id = $4 AND finished_at IS NULL AND holder = $5
                    """,
                    [
                        .int(Int64(WireJobStatus.running.rawValue)), .int(Int64(attempt)), .bytes(record.stored), .text(jobID),
                        .int(transaction.epoch),
                    ])
            }
        }

        func finish(_ jobID: String, _ result: WireJobResult, _ audited: [AuditEvent]) async throws(JournalError) {
            let record = try ResultRecord(result, "finish", place)
            let letter = result.status == .dead ? DeadLetter.open : .none
            let end = AuditEvent.result(jobID, result, digest: record.digest)
            try await commits.record("finish") { transaction, events in
                let ended = try transaction.execute(
                    """
                    WITH ended AS (
                        UPDATE job SET status = $1, reason = $2, error = $3, result = $4, finished_at = $5, attempt = $6, letter = $7,
                            due_at = NULL, progress = NULL, body = CASE WHEN $8 THEN NULL ELSE body END
                        WHERE id = $9 AND finished_at IS NULL AND holder = $10
                        RETURNING number
                    )
                    INSERT INTO event (job, at, what, destination) SELECT number, $5, $11, '' FROM ended
                    """,
                    [
                        .int(Int64(result.status.rawValue)), .int(Int64(result.reason.rawValue)), .text(result.error),
                        .bytes(record.stored), .int(result.finishedAtMs), .int(Int64(result.attempts)), .int(letter.rawValue),
                        .bool(result.status == .succeeded), .text(jobID), .int(transaction.epoch),
                        .text(HistoryText.state(result.status)),
                    ])
                try Self.leave(transaction, jobID)
                if ended > 0 { events += audited + [end] }
            }
        }

        func note(_ jobID: String, _ what: String, destination: String, _ event: AuditEvent?) async throws(JournalError) {
            let time = event?.time ?? WallClock.now()
            try await commits.record("note") { transaction, events in
                try Self.add(transaction, jobID, at: time, what, destination: destination)
                if let event { events.append(event) }
            }
        }

        func askToCancel(_ jobID: String, by operatorName: String) async throws(JournalError) {
            let now = WallClock.now()
            try await commits.record("ask for a job's end") { transaction, _ in
                let asked = try transaction.execute(
                    "UPDATE job SET is_cancelled = TRUE WHERE id = $1 AND finished_at IS NULL", [.text(jobID)])
                guard asked == 1 else { return }
                try Self.add(transaction, jobID, at: now, HistoryText.cancelAsked(by: operatorName), destination: "")
                transaction.news.append(.cancel(jobID))
            }
        }

        func toCancel() async throws(JournalError) -> [String] {
            let epoch = epoch
            return try await look("look for jobs to cancel", finder) { connection in
                try connection.query(
                    "SELECT id FROM job WHERE holder = $1 AND finished_at IS NULL AND is_cancelled", [.int(epoch)]
                ).all.map { $0.text(0) }
            }
        }

        func noteLater(_ jobID: String, _ what: String, destination: String) {
            let now = WallClock.now()
            commits.add { transaction, _ in try Self.add(transaction, jobID, at: now, what, destination: destination) }
        }

        func record(_ audited: [AuditEvent]) async throws(JournalError) {
            try await commits.record("record") { _, events in events += audited }
        }

        func recordLater(_ audited: [AuditEvent]) { commits.recordLater(audited, logger) }

        /// Any other process of this name need not wait for it, once its audit log is written out.
        func close() {
            news.close()
            commits.last(then: audit.close) { try ExecutorEpoch.end($0) }
        }

        func keep() async -> Bool {
            while !Task.isCancelled {
                do throws(JournalError) {
                    // Every transaction renews the lease.
                    try await commits.perform("renew the lease") { _ in }
                } catch  where error.cause == .lost {
                    return true
                } catch {
                    logger.error("the journal's lease is not renewed", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: PostgreSQLStore.lease / 3)
            }
            return false
        }

        private static let jobKey = "job "

        /// What a claim of that job id, job and dedupe key decides on.
        static func keys(_ id: String, _ job: String, _ dedupeKey: String) -> [String] {
            [jobKey + id] + (dedupeKey.isEmpty ? [] : ["key \(job) \(dedupeKey)"])
        }

        func adopt() async throws(JournalError) -> [StoredJob] {
            // Claims of this executor that stand although it has told their senders that they failed: none of them has begun.
            let stranded = commits.strandedKeys
            let ids = stranded.filter { $0.hasPrefix(Self.jobKey) }.map { String($0.dropFirst(Self.jobKey.count)) }
            // Those of others whose takeover may stand although it was said to have failed: nobody runs them here.
            let doubtful = adopting.withLock { $0 }
            let now = WallClock.now()
            let adopted = try await commits.record("adopt jobs") { transaction, events in
                let own = try ids.compactMap { id in
                    try transaction.query(
                        "UPDATE job SET status = $1 WHERE id = $2 AND holder = $3 AND finished_at IS NULL RETURNING \(Self.columns)",
                        [.int(Int64(WireJobStatus.accepted.rawValue)), .text(id), .int(transaction.epoch)]
                    ).first.map(Self.stored)
                }
                let left = try doubtful.compactMap { id in
                    try transaction.query(
                        "SELECT \(Self.columns) FROM job WHERE id = $1 AND holder = $2 AND finished_at IS NULL",
                        [.text(id), .int(transaction.epoch)]
                    ).first.map(Self.stored)
                }
                let taken = try ExecutorEpoch.adopt(transaction, Self.columns).map { adopted in
                    let job = try Self.stored(adopted.row)
                    try Self.add(transaction, job.id, at: now, HistoryText.adopted(by: transaction.origin), destination: "")
                    events.append(.takenOver(job.id, from: adopted.origin, epoch: adopted.epoch, at: now))
                    return job
                }
                self.adopting.withLock { $0 = doubtful + taken.map(\.id) }
                return own + left + taken
            }
            adopting.withLock { $0 = [] }
            commits.forgetStranded(stranded.count)
            return adopted
        }

        func unfinished() async throws(JournalError) -> [StoredJob] {
            let epoch = epoch
            return try await look("read unfinished jobs", finder) { connection in
                try connection.query(
                    "SELECT \(Self.columns) FROM job WHERE holder = $1 AND finished_at IS NULL ORDER BY number", [.int(epoch)]
                ).all.map(Self.stored)
            }
        }

        func find(_ id: String) async throws(JournalError) -> StoredJob? {
            try await look("find", finder) { connection in
                try connection.query(
                    """
                    (SELECT \(Self.columns), 0::bigint AS part FROM job WHERE id = $1)
                    UNION ALL
                    (SELECT \(Self.columns), 1 FROM job WHERE event_id = $1 AND event_id <> '' ORDER BY number DESC LIMIT 1)
                    ORDER BY part LIMIT 1
                    """, [.text(id)]
                ).first.map(Self.stored)
            }
        }

        func discard(_ jobID: String, by operatorName: String) async throws(JournalError) -> Bool {
            let now = WallClock.now()
            return try await commits.perform("discard") { transaction in
                let discarded = try transaction.execute(
                    "UPDATE job SET letter = $1, body = NULL WHERE id = $2 AND letter = $3",
                    [.int(DeadLetter.discarded.rawValue), .text(jobID), .int(DeadLetter.open.rawValue)])
                guard discarded > 0 else { return false }
                try Self.add(transaction, jobID, at: now, HistoryText.discarded(by: operatorName), destination: "")
                return true
            }
        }

        /// Executors that do so at once take different jobs.
        func prune(before cutoff: Int64, limit: Int) async throws(JournalError) -> Int {
            try await commits.perform("prune") { transaction in
                try transaction.execute(
                    """
                    WITH old AS (
                        SELECT number, accepted_at, hosts FROM job WHERE finished_at IS NOT NULL AND finished_at < $1
                        ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
                    ), places AS (
                        DELETE FROM job_host USING old, unnest(string_to_array(old.hosts, ',')) AS name
                        WHERE job_host.host = name AND job_host.accepted_at = old.accepted_at AND job_host.number = old.number
                    ), histories AS (
                        DELETE FROM event USING old WHERE event.job = old.number
                    )
                    DELETE FROM job USING old WHERE job.number = old.number
                    """, [.int(cutoff), .int(Int64(limit))])
            }
        }
    }

    extension PostgreSQLJournal {
        func list(_ filter: JobFilter, limit: Int) async throws(JournalError) -> [StoredJob] {
            try await look("list", viewer) { connection in
                let search = PostgreSQLSearch(filter, limit: limit)
                return try connection.query(search.sql, search.values, isPrepared: false).all.map(Self.stored)
            }
        }

        func history(_ jobID: String) async throws(JournalError) -> [WireJobEvent] {
            try await look("history", viewer) { connection in
                let rows = try connection.query(
                    """
                    SELECT at, what, destination FROM event WHERE job = (SELECT number FROM job WHERE id = $1) ORDER BY number
                    """, [.text(jobID)])
                return rows.all.map { row in
                    .with {
                        $0.atMs = row.int(0) ?? 0
                        $0.what = row.text(1)
                        $0.destination = row.text(2)
                    }
                }
            }
        }

        var shared: (any SharedJournal)? { self }
        var isFailing: Bool { commits.failure != nil }
        var isAway: Bool { commits.failure?.error.cause == .away }

        func health() async -> JournalHealth {
            await JournalHealth(place, audit.status, failure: commits.failure) { () async throws(JournalError) in
                try await look("look at", viewer) { connection in
                    let row = try connection.query(
                        """
                        SELECT (SELECT coalesce(sum(pg_table_size(oid) + pg_indexes_size(oid)), 0)::bigint FROM pg_class
                            WHERE relnamespace = 'sallyport'::regnamespace AND relkind = 'r'),
                        (SELECT count(*) FROM job WHERE letter = 1)
                        """
                    ).first
                    return (row?.int(0) ?? 0, 0, row?.int(1) ?? 0)
                }
            }
        }

        func look<T: Sendable>(
            _ step: String, _ reader: PostgreSQLReader, _ body: @escaping @Sendable (PostgreSQLConnection) throws -> T
        ) async throws(JournalError) -> T {
            do {
                return try await reader.look(body)
            } catch {
                throw JournalError(step: step, place: place, postgreSQL: error)
            }
        }
    }
#endif
