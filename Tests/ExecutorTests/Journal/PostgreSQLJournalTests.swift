#if PostgreSQL
    import Audit
    import Authentication
    import Dispatch
    import Glibc
    import JSON
    import Logging
    import ProtocolMessages
    import TestSupport
    import Testing

    @testable import Executor

    /// What is of the PostgreSQL journal alone: leases, and a server that goes away.
    @Suite struct PostgreSQLJournalTests {
        private let bed = JournalBed()

        private func sql(_ text: String) throws { try PostgreSQLServer.shared.get().sql(text, in: bed.target().database) }

        private func expire(_ executor: String) throws {
            try sql("UPDATE sallyport.executor SET alive_until = now() - interval '1 s' WHERE name = 'sallyport/\(executor)'")
        }

        /// Lets an executor have been in touch for a minute, and its lease have one to go, however slow the machine is.
        private func age(_ executor: String) throws {
            try sql(
                """
                UPDATE sallyport.executor SET since = now() - interval '1 min', alive_until = now() + interval '1 min'
                WHERE name = 'sallyport/\(executor)'
                """)
        }

        @Test func `two processes of one name do not write side by side, and who was taken over learns it`() async throws {
            let first = try bed.open(.postgreSQL)
            #expect(try await first.claim(Samples.event("e1")) == "claimed")
            try age("executor")
            let second = #expect(throws: JournalError.self) { try bed.open(.postgreSQL) }
            #expect(second?.description.contains("another executor uses it") == true)
            #expect(try bed.store(.postgreSQL).lock(as: "sallyport/executor") == false)
            // It stands still for longer than its lease.
            try expire("executor")
            let next = try bed.open(.postgreSQL)
            let error = await #expect(throws: JournalError.self) { _ = try await first.claim(Samples.event("e2")) }
            #expect(error?.cause == .lost)
            #expect(try await first.keep())
            #expect(try await next.unfinished().map(\.request.eventID) == ["e1"])
            #expect(try await next.claim(Samples.event("e2")) == "claimed")
        }

        @Test func `jobs of an executor that is gone are taken over once, and what it writes after that fails`() async throws {
            let (gone, one, other) = (
                try bed.open(.postgreSQL, "gone"), try bed.open(.postgreSQL, "one"), try bed.open(.postgreSQL, "other")
            )
            let (running, waiting, done) = (Samples.event("running"), Samples.event("waiting"), Samples.event("done"))
            for request in [running, waiting, done] { #expect(try await gone.claim(request) == "claimed") }
            try await gone.mark(running.jobID, .running, attempt: 1)
            try await gone.finish(done.jobID, Samples.result(done, .succeeded))
            for executor in ["one", "other", "gone"] { try age(executor) }
            #expect(try await one.adopt().isEmpty, "it lives")
            try expire("gone")
            async let first = one.adopt()
            async let second = other.adopt()
            let adopted = try await [first, second]
            #expect(adopted.map(\.count).sorted() == [0, 2])
            let owner = adopted[0].isEmpty ? other : one
            #expect(adopted.flatMap { $0 }.map(\.id) == [running.jobID, waiting.jobID])
            #expect(try await owner.unfinished().map(\.status) == [.running, .accepted])
            let error = await #expect(throws: JournalError.self) {
                try await gone.finish(running.jobID, Samples.result(running, .succeeded))
            }
            #expect(error?.cause == .lost)
            try await owner.finish(running.jobID, Samples.result(running, .unknown))
            #expect(try await one.find(running.jobID)?.status == .unknown)
            #expect(
                try await one.history(running.jobID).map(\.what).dropFirst().first?.hasPrefix("taken over by sallyport/") == true)
            // It stands in the log of who has them now, once each, and in no other.
            for journal in [one, other] { journal.close() }
            let recorded = try ["one", "other"].map { try takeovers(in: $0) }
            #expect(recorded[adopted[0].isEmpty ? 0 : 1] == [])
            #expect(recorded[adopted[0].isEmpty ? 1 : 0].map(\.job) == [running.jobID, waiting.jobID])
            #expect(recorded.flatMap { $0 }.allSatisfy { $0.fields["from"]?.string == "sallyport/gone" })
            let epoch = try #require(gone.shared?.epoch)
            #expect(recorded.flatMap { $0 }.allSatisfy { $0.fields["epoch"]?.number?.int64 == epoch })
        }

        /// What an executor's log says of takeovers, after it was verified.
        private func takeovers(in executor: String) throws -> [AuditEvent] {
            let trust = CheckpointTrust(keys: [try Samples.executorKey.get().publicKey])
            let log = AuditLog(path: try bed.auditPath(.postgreSQL, executor), trust: trust)
            let checkpoints = try log.checkpoints().map(\.checkpoint)
            // It has recorded nothing.
            guard !checkpoints.isEmpty else { return [] }
            var events: [AuditEvent] = []
            try log.verify(
                checkpoints,
                .init(record: { record, _ in
                    if record.event.kind == AuditEvent.Kind.takenOver.rawValue { events.append(record.event) }
                }))
            return events
        }

        @Test func `a takeover that is undone is not recorded, and one in a second batch still names whose job it was`()
            async throws
        {
            let (gone, one, other) = (
                try bed.open(.postgreSQL, "gone"), try bed.open(.postgreSQL, "one"), try bed.open(.postgreSQL, "other")
            )
            let body = [UInt8](repeating: 0x41, count: ExecutorEpoch.adoptedBytes / 2 + 1)
            let requests = (0..<3).map { Samples.event("e\($0)") }
            for request in requests { try await gone.claimed(request, body: body) }
            try expire("gone")
            for executor in ["one", "other"] { try age(executor) }
            // One of them cannot be read: all of it is undone.
            try sql("UPDATE sallyport.job SET request = decode('ff', 'hex') || request WHERE event_id = 'e0'")
            await #expect(throws: JournalError.self) { _ = try await one.adopt() }
            try sql("UPDATE sallyport.job SET request = substr(request, 2) WHERE event_id = 'e0'")
            #expect(try await one.adopt().map(\.request.eventID) == ["e0", "e1"])
            // Another has the rest, whose name is gone from the table.
            #expect(try await other.adopt().map(\.request.eventID) == ["e2"])
            for journal in [one, other] { journal.close() }
            #expect(try takeovers(in: "one").map(\.job) == requests.prefix(2).map(\.jobID))
            #expect(try takeovers(in: "other").map(\.job) == [requests[2].jobID])
            #expect(try takeovers(in: "other").first?.fields["from"]?.string == "sallyport/gone")
        }

        @Test func `beside an executor of an older version a takeover says no name where that one took it away`() async throws {
            let (gone, one) = (try bed.open(.postgreSQL, "gone"), try bed.open(.postgreSQL, "one"))
            let request = try await gone.claimed(Samples.event("e1"))
            try expire("gone")
            try age("one")
            try sql("UPDATE sallyport.executor SET name = '#' || epoch WHERE name = 'sallyport/gone'")
            #expect(try await one.adopt().map(\.id) == [request.jobID])
            one.close()
            let recorded = try takeovers(in: "one")
            #expect(recorded.map(\.job) == [request.jobID])
            #expect(recorded.first?.fields["from"] == nil)
            let epoch = try #require(gone.shared?.epoch)
            #expect(recorded.first?.fields["epoch"]?.number?.int64 == epoch)
        }

        @Test func `who has a job learns that its end is asked for, and so does who has it next`() async throws {
            let (first, second) = (try bed.open(.postgreSQL, "gone"), try bed.open(.postgreSQL, "other"))
            let (gone, other) = (try #require(first.shared), try #require(second.shared))
            let (one, done) = (Samples.event("one"), Samples.event("done"))
            for request in [one, done] { #expect(try await gone.claim(request) == "claimed") }
            try await gone.finish(done.jobID, Samples.result(done, .succeeded))
            #expect(try await gone.toCancel().isEmpty)
            let (heard, hearing) = AsyncStream.makeStream(of: [JournalNews].self)
            gone.listen { hearing.yield($0) }
            #expect(await heard.first { $0.isEmpty } != nil)
            for request in [one, done] { try await other.askToCancel(request.jobID, by: "ada") }
            #expect(await heard.first { !$0.isEmpty } == [.cancel(one.jobID)])
            #expect(try await gone.toCancel() == [one.jobID])
            #expect(try await other.toCancel().isEmpty)
            #expect(try await gone.history(one.jobID).map(\.what).contains("cancel asked for by ada"))
            #expect(try await gone.history(done.jobID).map(\.what).contains("cancel asked for by ada") == false)
            try expire("gone")
            try age("other")
            #expect(try await other.adopt().map(\.id) == [one.jobID])
            #expect(try await other.toCancel() == [one.jobID])
            try await other.finish(one.jobID, Samples.result(one, .failed))
            #expect(try await other.toCancel().isEmpty)
        }

        @Test func `many jobs are taken over some at a time, and who is gone in between leaves none behind`() async throws {
            let (gone, one, other) = (
                try bed.open(.postgreSQL, "gone"), try bed.open(.postgreSQL, "one"), try bed.open(.postgreSQL, "other")
            )
            let count = 2 * ExecutorEpoch.adoptedJobs + 50
            let requests = (0..<count).map { Samples.event("e\($0)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for request in requests { group.addTask { _ = try await gone.claim(request) } }
                try await group.waitForAll()
            }
            try expire("gone")
            for executor in ["one", "other"] { try age(executor) }
            let first = try await one.adopt().map(\.id)
            #expect(first.count == ExecutorEpoch.adoptedJobs)
            #expect(try await one.unfinished().map(\.id) == first)
            // It may write nothing from the first of them on, and begins anew when it starts.
            let error = await #expect(throws: JournalError.self) { _ = try await gone.claim(Samples.event("late")) }
            #expect(error?.cause == .lost)
            let again = try bed.open(.postgreSQL, "gone")
            #expect(try await again.unfinished().isEmpty)
            // Killed between two batches: what it has taken over and what it had not is there for the next.
            try expire("one")
            var adopted: [String] = []
            while case let more = try await other.adopt(), !more.isEmpty { adopted += more.map(\.id) }
            #expect(adopted.count == count)
            #expect(Set(adopted) == Set(requests.map(\.jobID)))
            #expect(try await other.unfinished().count == count)
            let names = try PostgreSQLServer.shared.get().sql(
                "SELECT name FROM sallyport.executor ORDER BY 1", in: bed.target().database)
            #expect(names == "sallyport/gone\nsallyport/other\n")
        }

        @Test func `long bodies make a batch shorter`() async throws {
            let (gone, one) = (try bed.open(.postgreSQL, "gone"), try bed.open(.postgreSQL, "one"))
            let body = [UInt8](repeating: 0x41, count: ExecutorEpoch.adoptedBytes / 4 + 1)
            for number in 0..<6 { try await gone.claimed(Samples.event("e\(number)"), body: body) }
            try expire("gone")
            try age("one")
            #expect(try await one.adopt().map(\.request.eventID) == ["e0", "e1", "e2", "e3"])
            #expect(try await one.adopt().map(\.request.eventID) == ["e4", "e5"])
            #expect(try await one.adopt().isEmpty)
        }

        @Test func `a newer version's step beside one that runs: both go on, or it says that it cannot`() async throws {
            let journal = try bed.open(.postgreSQL)
            #expect(try await journal.claim(Samples.event("e1")) == "claimed")
            let connection = try PostgreSQLConnection(bed.target())
            func newer(_ oldest: Int, _ sql: String) -> PostgreSQLSchema.Step { .init(name: "newer", oldest: oldest, sql: sql) }
            let number = PostgreSQLSchema.steps.count
            let added = newer(
                number,
                """
                ALTER TABLE sallyport.job ADD COLUMN newer TEXT NOT NULL DEFAULT '';
                CREATE TABLE sallyport.newer (number BIGINT PRIMARY KEY)
                """)
            try PostgreSQLSchema.migrate(connection, steps: PostgreSQLSchema.steps + [added])
            // That which runs, with statements that it had prepared; and the newer, which does nothing twice.
            let request = Samples.event("e2")
            #expect(try await journal.claim(request) == "claimed")
            try await journal.finish(request.jobID, Samples.result(request, .succeeded))
            #expect(try await journal.find(request.jobID)?.status == .succeeded)
            try PostgreSQLSchema.migrate(connection, steps: PostgreSQLSchema.steps + [added])
            // A start of this version, which takes over its jobs, and another that takes over those of one that is gone.
            let again = try bed.reopen(.postgreSQL)
            #expect(try await again.unfinished().map(\.request.eventID) == ["e1"])
            #expect(try await again.claim(Samples.event("e3")) == "claimed")
            let other = try bed.open(.postgreSQL, "other")
            try expire("executor")
            try age("other")
            #expect(try await other.adopt().map(\.request.eventID) == ["e1", "e3"])
            // One that leaves nothing to go on with for this version.
            let changed = newer(number + 2, "ALTER TABLE sallyport.job DROP COLUMN sender_attempt")
            try PostgreSQLSchema.migrate(PostgreSQLConnection(bed.target()), steps: PostgreSQLSchema.steps + [added, changed])
            let error = #expect(throws: JournalError.self) { try bed.reopen(.postgreSQL) }
            #expect(error?.description.contains("a newer version has changed it; run that version") == true)
            // And one that runs still is told what it may not write.
            await #expect(throws: JournalError.self) { _ = try await other.claim(Samples.event("e4")) }
        }

        @Test func `after an outage nobody is taken over who comes back in time`() async throws {
            let (one, other) = (try bed.open(.postgreSQL, "one"), try bed.open(.postgreSQL, "other"))
            #expect(try await one.claim(Samples.event("e1")) == "claimed")
            for executor in ["one", "other"] {
                try age(executor)
                try expire(executor)
            }
            // Its own lease was over, too: it cannot know whether the other is gone.
            #expect(try await other.adopt().isEmpty)
            #expect(try await one.claim(Samples.event("e2")) == "claimed")
            try age("other")
            #expect(try await other.adopt().isEmpty)
        }

        @Test func `one that stops in order leaves its jobs to the others at once`() async throws {
            let (one, other) = (try bed.open(.postgreSQL, "one"), try bed.open(.postgreSQL, "other"))
            #expect(try await one.claim(Samples.event("e1")) == "claimed")
            one.close()
            try age("other")
            #expect(try await other.adopt().map(\.request.eventID) == ["e1"])
        }

        @Test func `an executor writes to its own jobs alone`() async throws {
            let (one, other) = (try bed.open(.postgreSQL, "one"), try bed.open(.postgreSQL, "other"))
            let request = Samples.event("e1")
            #expect(try await one.claim(request) == "claimed")
            try await other.mark(request.jobID, .running, attempt: 7)
            try await other.finish(request.jobID, Samples.result(request, .failed))
            let stored = try #require(try await other.find(request.jobID))
            #expect(stored.status == .accepted)
            #expect(stored.attempt == 1)
        }

        @Test func `tables that a newer version has added to are used, and tables that it has changed are not`() async throws {
            _ = try bed.open(.postgreSQL)
            try sql("INSERT INTO sallyport.migration (number, name, oldest) VALUES (2, 'more', 1)")
            let journal = try bed.reopen(.postgreSQL)
            #expect(try await journal.claim(Samples.event("e1")) == "claimed")
            try sql("INSERT INTO sallyport.migration (number, name, oldest) VALUES (3, 'another', 3)")
            let error = #expect(throws: JournalError.self) { try bed.reopen(.postgreSQL) }
            #expect(error?.description.contains("a newer version has changed it") == true)
        }

        @Test func `executors that start at once make the tables once`() async throws {
            let bed = bed
            _ = try bed.target()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 { group.addTask { _ = try bed.open(.postgreSQL, "\(number)") } }
                try await group.waitForAll()
            }
        }

        @Test func `who has looked whether a name is free does not have it`() throws {
            // Makes the tables.
            try bed.open(.postgreSQL).close()
            let looks = try PostgreSQLConnection(bed.target())
            #expect(try !ExecutorEpoch.isTaken(looks, "sallyport/new"))
            #expect(try ExecutorEpoch.hold(PostgreSQLConnection(bed.target()), "sallyport/new"))
            #expect(!looks.isBroken)
        }

        @Test func `more writes than one transaction may have go in several, each once`() async throws {
            let journal = try bed.open(.postgreSQL)
            let requests = (0..<2 * 256 + 1).map { Samples.event("e\($0)") }
            let claimed = try await withThrowingTaskGroup(of: String.self) { group in
                for request in requests { group.addTask { try await journal.claim(request) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(claimed == Array(repeating: "claimed", count: requests.count))
            #expect(try await journal.unfinished().count == requests.count)
            let largest = try PostgreSQLServer.shared.get().sql(
                "SELECT max(jobs) FROM (SELECT count(*) AS jobs FROM sallyport.job GROUP BY xmin::text) AS transactions",
                in: bed.target().database)
            #expect(Int(largest.dropLast()) ?? .max <= 256)
        }

        @Test func `statements are kept prepared up to a limit, and run beyond it`() throws {
            let connection = try PostgreSQLConnection(bed.target())
            let limit = PostgreSQLConnection.maximumPrepared
            for number in 0...limit + 1 { #expect(try connection.query("SELECT \(number)").first?.int(0) == Int64(number)) }
            #expect(try connection.simple("SELECT count(*)::text FROM pg_prepared_statements").first?.text(0) == "\(limit)")
        }

        @Test func `looks wait for one another up to a limit, and one more fails at once`() async throws {
            let reader = PostgreSQLReader(try bed.target(), label: "test")
            let gate = DispatchSemaphore(value: 0)
            let results = await withTaskGroup(of: Bool.self) { group in
                for _ in 0...PostgreSQLReader.maximumWaiting {
                    group.addTask { (try? await reader.look { _ in gate.wait() }) != nil }
                }
                // The one that finds no place is the first that ends.
                let first = await group.next()
                for _ in 0..<PostgreSQLReader.maximumWaiting { gate.signal() }
                return await group.reduce(into: [first ?? true]) { $0.append($1) }
            }
            #expect(results.first == false)
            #expect(results.count { $0 } == PostgreSQLReader.maximumWaiting)
        }

        @Test func `a check counts what is there`() async throws {
            let journal = try bed.open(.postgreSQL)
            let request = Samples.event("e1")
            #expect(try await journal.claim(request) == "claimed")
            #expect(try await journal.claim(Samples.event("e2")) == "claimed")
            try await journal.finish(request.jobID, Samples.result(request, .dead))
            let care = PostgreSQLCare(try bed.target())
            #expect(try care.check().last == "2 jobs, of which 1 unfinished and 1 dead letters")
            #expect(throws: JournalCareError.self) { try care.backup(to: "/tmp/copy") }
        }

        @Test func `a database that is not there, or a server, is an error that names it`() throws {
            let folder = try TemporaryFolder()
            for (place, target) in [
                ("none at", PostgreSQLTarget(folder: try bed.target().folder, database: "none", user: PostgreSQLServer.user)),
                ("\(folder.path)/.s.PGSQL.5432", PostgreSQLTarget(folder: folder.path, database: "none", user: "none")),
            ] {
                let error = #expect(throws: JournalError.self) {
                    _ = try JournalSettings.Store.postgreSQL(target).lock(as: "sallyport/executor")
                }
                #expect(error?.description.contains(place) == true)
            }
        }
    }

    /// A server of its own that goes away, or does not answer.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct PostgreSQLAwayTests {
        private let server: PostgreSQLServer
        private let database: String
        private let folder: TemporaryFolder

        init() throws {
            server = try PostgreSQLServer()
            database = try server.makeDatabase()
            folder = try TemporaryFolder()
        }

        private func open(
            user: String = PostgreSQLServer.user, password: String? = nil, as name: String = "executor"
        ) throws -> any Journal {
            var target = PostgreSQLTarget(folder: server.folder.path, database: database, user: user)
            target.password = password.map { SecretBytes(copying: $0.utf8) }
            let audit = AuditSettings(
                path: "\(folder.path)/\(name == "executor" ? "audit" : name)", origin: "sallyport/\(name)",
                key: try Samples.executorKey.get())
            return try JournalSettings.Store.postgreSQL(target).open(
                audit: audit, in: AuditDirectory(path: audit.path, number: nil),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        private func event(_ name: String) -> AuditEvent { AuditEvent(.delivery, at: Samples.now, [("job", .text(name))]) }

        /// The jobs of the records in the log, after it was verified.
        private func recorded() throws -> [String] {
            let log = AuditLog(
                path: "\(folder.path)/audit", trust: CheckpointTrust(keys: [try Samples.executorKey.get().publicKey]))
            var jobs: [String] = []
            try log.verify(
                log.checkpoints().map(\.checkpoint), .init(record: { record, _ in jobs.append(record.event.job ?? "") }))
            return jobs
        }

        /// From now on a commit is on this server's disk, and waits for a standby that is not there, until its connection ends.
        private func holdCommits() throws {
            try server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", in: database)
            try server.sql("SELECT pg_reload_conf()", in: database)
            let held =
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'psql'"
            let (server, database) = (server, database)
            // The setting holds a little after it was made: it does when a commit waits.
            for number in 0..<20 {
                _ = Background { try server.sql("CREATE TABLE probe_\(number) ()", in: database) }
                if try eventually(within: 2, { try server.sql(held, in: database) == "1\n" }) { return }
            }
            throw TestBedError("commits do not wait for a standby")
        }

        /// Once a commit of the journal waits, later ones will not, and `then` is done; false when none came to wait.
        private func whenACommitWaits(
            _ then: @escaping @Sendable (PostgreSQLServer, String) throws -> Void
        ) -> Background<Bool> {
            let waits =
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'sallyport-executor'"
            let (server, database) = (server, database)
            return Background {
                let isWaiting = try eventually { try server.sql(waits, in: database) == "1\n" }
                try server.sql("ALTER SYSTEM RESET synchronous_standby_names", in: database)
                try then(server, database)
                return isWaiting
            }
        }

        @Test func `while the server is away nothing is taken and that is said; afterwards all goes on`() async throws {
            let journal = try open()
            let request = Samples.event("e1")
            #expect(try await journal.claim(request) == "claimed")
            #expect(server.stop() == 0)
            let error = await #expect(throws: JournalError.self) { _ = try await journal.claim(Samples.event("e2")) }
            #expect(error?.cause == .away)
            #expect(journal.isFailing)
            #expect(await journal.health().journal.error.contains("look whether PostgreSQL runs"))
            await #expect(throws: JournalError.self) { _ = try await journal.find(request.jobID) }
            try server.start()
            try await journal.finish(request.jobID, Samples.result(request, .succeeded))
            #expect(!journal.isFailing)
            #expect(try await journal.find(request.jobID)?.status == .succeeded)
            #expect(try await journal.claim(Samples.event("e2")) == "claimed")
        }

        @Test func `a restart of the server between two writes and two looks is not noticed`() async throws {
            let journal = try open()
            let request = Samples.event("e1")
            #expect(try await journal.claim(request) == "claimed")
            #expect(try await journal.find(request.jobID) != nil)
            #expect(server.stop() == 0)
            try server.start()
            #expect(try await journal.find(request.jobID) != nil)
            try await journal.finish(request.jobID, Samples.result(request, .succeeded))
            try server.disconnect(database)
            #expect(try await journal.claim(Samples.event("e2")) == "claimed")
        }

        @Test func `a commit whose answer was lost stands, and is answered so; one that was undone is not`() async throws {
            let journal = try open()
            try await journal.record([event("a")])
            try holdCommits()
            let helper = whenACommitWaits { server, database in
                try server.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", in: database)
                try server.sql("SELECT pg_reload_conf()", in: database)
            }
            try await journal.record([event("b")])
            #expect(try helper.value)
            try await journal.record([event("c")])
            // This one is ended before it is written.
            let (server, database) = (server, database)
            try server.sql(
                """
                CREATE FUNCTION sallyport.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(30); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON sallyport.audit DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION sallyport.slow()
                """, in: database)
            let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            let other = Background {
                let isSleeping = try eventually { try server.sql(sleeps, in: database) == "1\n" }
                try server.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", in: database)
                return isSleeping
            }
            await #expect(throws: JournalError.self) { try await journal.record([event("undone")]) }
            #expect(try other.value)
            try server.sql("DROP TRIGGER slow ON sallyport.audit", in: database)
            try await journal.record([event("d")])
            journal.close()
            #expect(try recorded() == ["a", "b", "c", "d"])
        }

        @Test func `what a crash of the server has undone does not count as written, whoever has its id now`() throws {
            let target = PostgreSQLTarget(folder: server.folder.path, database: database, user: PostgreSQLServer.user)
            let store = try PostgreSQLStore(target, name: "sallyport/one")
            _ = try store.write { _ in }
            let (server, database) = (server, database)
            #expect(throws: PostgreSQLError.self) {
                _ = try store.write { transaction in
                    try transaction.execute("INSERT INTO rate (job, full_at) VALUES ('undone', 1)", [])
                    // Killed before its log is written out; then other transactions have the next ids.
                    server.stop(SIGKILL)
                    try #require(try eventually(within: 60) { (try? server.start()) != nil })
                    for number in 0..<20 {
                        try server.sql("INSERT INTO sallyport.rate (job, full_at) VALUES ('\(number)', 1)", in: database)
                    }
                }
            }
            #expect(try server.sql("SELECT count(*) FROM sallyport.rate WHERE job = 'undone'", in: database) == "0\n")
            #expect(try store.write { try $0.execute("INSERT INTO rate (job, full_at) VALUES ('then', 1)", []) })
            #expect(try server.sql("SELECT count(*) FROM sallyport.rate WHERE job = 'then'", in: database) == "1\n")
        }

        @Test func `a claim that stands although nobody could be told so is taken up, and begins once`() async throws {
            let journal = try open()
            try await journal.record([event("a")])
            try holdCommits()
            let helper = whenACommitWaits { server, _ in server.stop(SIGQUIT) }
            let request = Samples.event("e1")
            let error = await #expect(throws: JournalError.self) { try await journal.claim(request) }
            #expect(error?.cause == .away)
            #expect(try helper.value)
            await #expect(throws: JournalError.self) { try await journal.adopt() }
            try server.start()
            // The next write learns that it stands; from then on it is there to be taken up.
            try await journal.record([event("b")])
            let adopted = try await journal.adopt()
            #expect(adopted.map(\.id) == [request.jobID])
            #expect(adopted.first?.status == .accepted)
            #expect(try await journal.adopt().isEmpty)
        }

        @Test func `jobs whose takeover stands although nobody could be told so are taken up, and once`() async throws {
            let gone = try open(as: "gone")
            let request = Samples.event("e1")
            #expect(try await gone.claim(request) == "claimed")
            gone.close()
            let journal = try open()
            try server.sql(
                """
                UPDATE sallyport.executor SET since = now() - interval '1 min', alive_until = now() + interval '1 min'
                WHERE name = 'sallyport/executor'
                """, in: database)
            try holdCommits()
            let helper = whenACommitWaits { server, _ in server.stop(SIGQUIT) }
            await #expect(throws: JournalError.self) { try await journal.adopt() }
            #expect(try helper.value)
            try server.start()
            // The takeover stands, and is recorded; nobody would find the job otherwise.
            #expect(try await journal.adopt().map(\.id) == [request.jobID])
            #expect(try await journal.adopt().isEmpty)
            #expect(try await journal.history(request.jobID).map(\.what).filter { $0.hasPrefix("taken over") }.count == 1)
        }

        @Test func `a server that does not answer holds nobody for longer than its limits`() async throws {
            let journal = try open()
            let request = Samples.event("e1")
            #expect(try await journal.claim(request) == "claimed")
            let backends = try server.sql(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'sallyport-executor'", in: database
            ).split(separator: "\n").compactMap { Int32($0) }
            #expect(!backends.isEmpty)
            for pid in backends { kill(pid, SIGSTOP) }
            server.signal(SIGSTOP)
            let begun = ContinuousClock.now
            let error = await #expect(throws: JournalError.self) { _ = try await journal.claim(Samples.event("e2")) }
            #expect(error?.cause == .away)
            #expect(ContinuousClock.now - begun < PostgreSQLConnection.statementLimit + PostgreSQLStore.doubtLimit + .seconds(10))
            server.signal(SIGCONT)
            for pid in backends { kill(pid, SIGCONT) }
            #expect(try await journal.claim(Samples.event("e3")) == "claimed")
            #expect(try await journal.find(request.jobID) != nil)
        }

        @Test func `a role that may not create serves where another has made the tables`() async throws {
            try server.sql("CREATE ROLE plain LOGIN", in: database)
            #expect(throws: JournalError.self) { try open(user: "plain") }
            try PostgreSQLSchema.migrate(
                PostgreSQLConnection(
                    PostgreSQLTarget(folder: server.folder.path, database: database, user: PostgreSQLServer.user)))
            try server.sql(
                """
                GRANT USAGE ON SCHEMA sallyport TO plain; GRANT USAGE ON SEQUENCE sallyport.executor_epoch TO plain;
                GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sallyport TO plain
                """, in: database)
            let journal = try open(user: "plain")
            let request = Samples.event("e1")
            #expect(try await journal.claim(request) == "claimed")
            try await journal.finish(request.jobID, Samples.result(request, .succeeded))
            #expect(try await journal.prune(before: .max, limit: 10) == 1)
            journal.close()
        }

        @Test func `a password is asked for, and what it opens is a journal of one who is no superuser`() async throws {
            try server.sql(
                "SET password_encryption = 'scram-sha-256'; CREATE ROLE plain LOGIN PASSWORD 'correct horse'", in: database)
            try server.sql("GRANT CREATE ON DATABASE \(database) TO plain", in: database)
            try server.demandPassword(of: "plain")
            #expect(throws: JournalError.self) { try open(user: "plain") }
            #expect(throws: JournalError.self) { try open(user: "plain", password: "wrong") }
            let journal = try open(user: "plain", password: "correct horse")
            #expect(try await journal.claim(Samples.event("e1")) == "claimed")
            #expect(await journal.health().journal.bytes > 0)
        }
    }
#endif
