#if PostgreSQL
    import Audit
    import GRDB
    import Logging
    import ProtocolMessages
    import TestSupport
    import Testing

    @testable import Executor

    /// A journal that comes from a file into PostgreSQL.
    @Suite struct PostgreSQLCopyTests {
        private let bed = JournalBed()

        private func source() throws -> SQLiteSource {
            try SQLiteSource(path: #require(bed.store(.sqlite).file))
        }

        /// The executor's settings of its audit log, which stay what they were.
        private func audit(_ executor: String = "executor") throws -> AuditSettings {
            AuditSettings(
                path: try bed.auditPath(.sqlite, executor), origin: "sallyport/\(executor)", key: try Samples.executorKey.get())
        }

        @discardableResult
        private func copy() throws -> [String] { try JournalCopy.copy(source(), to: bed.target(), audit: audit()) { _, _ in } }

        /// The executor's start with the new settings.
        private func start() throws -> any Journal {
            try bed.store(.postgreSQL).open(
                audit: audit(), in: AuditDirectory(path: audit().path, number: nil),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        @discardableResult
        private func sql(_ text: String) throws -> String {
            try PostgreSQLServer.shared.get().sql(text, in: bed.target().database)
        }

        /// Finished, waiting, running, postponed, refused, replayed, discarded and dead jobs; their requests.
        private func fill(_ journal: any Journal) async throws -> [WireJobRequest] {
            var jobs: [WireJobRequest] = []
            func add(_ event: String, hosts: [String] = ["web-1"], refusal: Refusal? = nil, replay: Replay? = nil) async throws
                -> WireJobRequest
            {
                var request = Samples.event(event)
                request.correlationID = "trace-\(event)"
                #expect(
                    try await journal.claim(
                        request, at: Samples.now + Int64(jobs.count), refusal: refusal, body: Array("body of \(event)".utf8),
                        hosts: hosts, replay: replay) == "claimed")
                jobs.append(request)
                return request
            }
            let done = try await add("done", hosts: ["web-1", "db-1"])
            try await journal.finish(done.jobID, Samples.result(done, .succeeded))
            for event in ["dead", "discarded", "replayed"] {
                let dead = try await add(event)
                try await journal.finish(dead.jobID, Samples.result(dead, .dead))
            }
            #expect(try await journal.discard(jobs[2].jobID, by: "alice"))
            _ = try await add("replay", replay: Replay(origin: jobs[3].jobID, operatorName: "alice"))
            _ = try await add("refused", refusal: Refusal(.busy, "no place \"here\" \u{1F600}\\"))
            let running = try await add("running")
            try await journal.mark(running.jobID, .running, attempt: 1)
            try await journal.note(running.jobID, "signed\0 for it", destination: "web-1")
            try await journal.advance(running.jobID, attempt: 1, Samples.result(running, .failed), [])
            let postponed = try await add("postponed")
            try await journal.postpone(
                postponed.jobID, attempt: 2, until: Samples.now + 60_000, Samples.result(postponed, .failed))
            _ = try await add("waiting")
            return jobs
        }

        /// All that a journal says of a job, in words.
        private func words(_ journal: any Journal, _ id: String) async throws -> String {
            let job = try #require(try await journal.find(id))
            let history = try await journal.history(id).map { "\($0.atMs) \($0.what) \($0.destination)" }
            return "\(job) \(history)"
        }

        @Test func `all comes over: jobs, results, bodies, histories, hosts, letters, and what is due`() async throws {
            let before = try bed.open(.sqlite)
            let jobs = try await fill(before)
            before.close()
            let line = try copy()[0]
            #expect(
                line == "copied for sallyport/executor: 9 jobs, of which 4 unfinished and 1 dead letters, with 18 events")
            let after = try start()
            for job in jobs { #expect(try await words(before, job.jobID) == words(after, job.jobID)) }
            for filter in [
                JobFilter(host: "db-1"), JobFilter(host: "web-1"), JobFilter(deadLetters: true), JobFilter(status: .accepted),
                JobFilter(correlationID: "trace-refused"), JobFilter(eventID: "replay"), JobFilter(),
            ] {
                let ids = try await before.list(filter, limit: 100).map(\.id)
                #expect(!ids.isEmpty)
                #expect(try await after.list(filter, limit: 100).map(\.id) == ids)
            }
            #expect(try await after.unfinished().map(\.id) == before.unfinished().map(\.id))
            for job in jobs where job.eventID != "refused" {
                #expect(try await after.claim(job) == "known \(job.jobID)")
                #expect(try await after.claim(Samples.event(job.eventID)) == before.claim(Samples.event(job.eventID)))
            }
            // It goes on where it was.
            let waiting = try #require(jobs.last)
            try await after.finish(waiting.jobID, Samples.result(waiting, .succeeded))
            #expect(try await after.find(waiting.jobID)?.status == .succeeded)
        }

        @Test func `the audit log goes on without a gap, with the records that were only in the journal`() async throws {
            let before = try bed.open(.sqlite)
            for name in ["a", "b"] { try await before.record([AuditEvent(.delivery, at: Samples.now, [("job", .text(name))])]) }
            // Killed: nothing was written out.
            try copy()
            let after = try start()
            try await after.record([AuditEvent(.delivery, at: Samples.now, [("job", .text("c"))])])
            after.close()
            let log = AuditLog(
                path: try audit().path, trust: CheckpointTrust(keys: [try Samples.executorKey.get().publicKey]))
            var jobs: [String] = []
            try log.verify(
                log.checkpoints().map(\.checkpoint), .init(record: { record, _ in jobs.append(record.event.job ?? "") }))
            #expect(jobs == ["a", "b", "c"])
            // From now on the file is out of date.
            try PostgreSQLServer.shared.get().disconnect(bed.target().database)
            let error = #expect(throws: JournalCareError.self) { try copy() }
            #expect(error?.description.contains("has written there already, up to audit record 3") == true)
        }

        @Test func `a copy that was broken off goes on, and until it has ended no executor of the name starts`() async throws {
            let before = try bed.open(.sqlite)
            let count = 2 * SQLiteSource.pageJobs + 1
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count { group.addTask { _ = try await before.claim(Samples.event("e\(number)")) } }
                try await group.waitForAll()
            }
            before.close()
            let source = try source()
            struct Stopped: Error {}
            try {
                let copy = try PostgreSQLCopy(bed.target(), name: audit().origin)
                try copy.begin(source.audit())
                var counts = JournalCopy.Counts()
                try? source.pages { page in
                    guard counts.jobs == 0 else { throw Stopped() }
                    try copy.add(page, &counts)
                }
                // A second one waits, and the executor itself.
                #expect(throws: JournalCareError.self) { try PostgreSQLCopy(bed.target(), name: audit().origin) }
            }()
            #expect(try sql("SELECT count(*) FROM sallyport.job") == "\(SQLiteSource.pageJobs)\n")
            let error = #expect(throws: JournalError.self) { try bed.store(.postgreSQL).lock(as: audit().origin) }
            #expect(error?.description.contains("run journal copy again") == true)
            #expect(throws: JournalError.self) { try start() }
            // Nobody else takes them over either.
            let other = try bed.open(.postgreSQL, "other")
            try sql("UPDATE sallyport.executor SET since = now() - interval '1 min'")
            #expect(try await other.adopt().isEmpty)
            var told: [Int] = []
            let lines = try JournalCopy.copy(source, to: bed.target(), audit: audit()) { done, all in
                #expect(all == count)
                told.append(done)
            }
            #expect(told == [SQLiteSource.pageJobs, 2 * SQLiteSource.pageJobs, count])
            #expect(lines[0].hasPrefix("copied for sallyport/executor: \(count - SQLiteSource.pageJobs) jobs"))
            #expect(lines[1] == "\(SQLiteSource.pageJobs) jobs were there already")
            // And once more, which finds nothing to do.
            #expect(try copy()[0].hasPrefix("copied for sallyport/executor: 0 jobs"))
            #expect(try sql("SELECT count(*), count(DISTINCT job) FROM sallyport.event") == "\(count)|\(count)\n")
            #expect(try sql("SELECT count(*) FROM sallyport.job_host") == "\(count)\n")
            #expect(try bed.store(.postgreSQL).lock(as: audit().origin))
            #expect(try await start().unfinished().count == count)
        }

        @Test func `what others have claimed since comes after what is copied, under the same dedupe key`() async throws {
            let before = try bed.open(.sqlite)
            let failed = try await before.claimed(Samples.event("e1"))
            try await before.finish(failed.jobID, Samples.result(failed, .failed))
            let second = try await before.claimed(Samples.event("e1") { $0.attempt = 2 })
            try await before.finish(second.jobID, Samples.result(second, .failed))
            before.close()
            let other = try bed.open(.postgreSQL, "other")
            var newer: [WireJobRequest] = []
            for attempt in 3...4 {
                let time = Samples.now + Int64(attempt)
                let next = try await other.claimed(Samples.event("e1") { $0.attempt = UInt32(attempt) }, at: time)
                try await other.finish(next.jobID, Samples.result(next, .failed))
                newer.append(next)
            }
            try copy()
            #expect(
                try sql("SELECT string_agg(id, ' ' ORDER BY turn) FROM sallyport.job")
                    == [failed, second, newer[0], newer[1]].map(\.jobID).joined(separator: " ") + "\n")
            // The newest stands for the event.
            let after = try start()
            #expect(try await after.claim(Samples.event("e1") { $0.attempt = 4 }) == "duplicate \(newer[1].jobID)")
            #expect(try await after.claim(Samples.event("e1") { $0.attempt = 5 }) == "claimed")
        }

        @Test func `a job that is there with another request ends the copy before it has begun`() async throws {
            let before = try bed.open(.sqlite)
            _ = try await before.claimed(Samples.event("first"))
            let request = try await before.claimed(Samples.event("e1"))
            before.close()
            let other = try bed.open(.postgreSQL, "other")
            try await other.claimed(request)
            try sql("UPDATE sallyport.job SET request_digest = '\\x00'")
            let error = #expect(throws: JournalCareError.self) { try copy() }
            #expect(error?.description.contains("job \(request.jobID) is there with another request") == true)
            #expect(try sql("SELECT count(*) FROM sallyport.job") == "1\n")
            #expect(try bed.store(.postgreSQL).lock(as: audit().origin))
        }

        @Test func `a file of another version, another executor's log and a running executor are refused`() async throws {
            let before = try bed.open(.sqlite)
            #expect(
                try await before.claim(Samples.event("e1"), [AuditEvent(.delivery, at: Samples.now, [("job", .text("e1"))])])
                    == "claimed")
            before.close()
            func refusal() -> String { #expect(throws: (any Error).self) { try copy() }.map { "\($0)" } ?? "" }
            let database = try DatabaseQueue(path: source().path)
            try await database.write { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('9999: newer')") }
            #expect(refusal().contains("a newer version has changed it"))
            try await database.write { try $0.execute(sql: "DELETE FROM grdb_migrations WHERE identifier > '4'") }
            #expect(refusal().contains("it is an older version's"))
            try await database.write {
                try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('4: lists that stay fast')")
            }
            let (source, target) = (try source(), try bed.target())
            for (executor, path, reason) in [
                ("else", try audit().path, "is the audit log of sallyport/executor, and audit.origin says sallyport/else"),
                ("executor", try audit("none").path, "let audit.path be that of the executor as it was"),
            ] {
                let audit = AuditSettings(path: path, origin: "sallyport/\(executor)", key: try Samples.executorKey.get())
                let error = #expect(throws: JournalCareError.self) {
                    try JournalCopy.copy(source, to: target, audit: audit) { _, _ in }
                }
                #expect(error?.description.contains(reason) == true)
            }
            let running = try bed.open(.postgreSQL)
            #expect(refusal().contains("the executor sallyport/executor runs there; stop it"))
            running.close()
        }
    }
#endif
