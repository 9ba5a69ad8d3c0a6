#if PostgreSQL
    import Foundation
    import Glibc
    import TestSupport
    import Testing

    /// An executor that changes over from its file to PostgreSQL, with the real programs.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct JournalCopyTests {
        private let marks = "/tmp/sallyport-copy-\(UUID().uuidString.prefix(8))"
        private let bed: TestBed
        private let database: PostgreSQLServer
        private let name: String

        init() throws {
            let jobs = """
                  mark:
                    command: [sh, -c, "echo x >> \(marks); echo marked"]
                    destinations: [web-1]
                    timeout: 20s
                  later:
                    command: [sh, -c, "test -e \(marks).allowed || exit 75; echo x >> \(marks)"]
                    destinations: [web-1]
                    timeout: 20s
                    retry: { attempts: 2, backoff: 30s, exit-codes: [75] }
                  dead:
                    command: [sh, -c, "test -e \(marks).allowed || exit 75; echo allowed"]
                    destinations: [web-1]
                    timeout: 20s
                    retry: { attempts: 2, backoff: 10ms, exit-codes: [75] }
                  held:
                    command: [sh, -c, "echo x >> \(marks); test -e \(marks).allowed || sleep 60"]
                    destinations: [web-1]
                    timeout: 90s
                    concurrency: 1

                """
            let hooks = ["mark", "later", "dead", "held"].map {
                DeliveryTests.hook($0, $0 == "mark" ? "respond: sync" : "respond: async")
            }
            bed = try TestBed(jobs: jobs, hooks: hooks.joined(), start: false)
            database = try PostgreSQLServer.shared.get()
            name = try database.makeDatabase()
        }

        private var runs: Int {
            (try? String(contentsOfFile: marks, encoding: .utf8))?.count(where: { $0 == "\n" }) ?? 0
        }

        private func deliver(_ hook: String, _ event: String, attempt: Int = 1) throws -> HookAnswer {
            try bed.deliver(hook: hook, event: event, attempt: attempt, signature: nil, token: nil)
        }

        private func copy() throws -> Command {
            try Command.run(
                try TestBed.binary("sallyport-executor"),
                [
                    "journal", "copy", "--config", bed.box.appending(path: "executor.yaml").path,
                    bed.box.appending(path: "state/journal.db").path,
                ])
        }

        @Test func `what the file knew holds in PostgreSQL: results, what is due, dead letters and the audit log`() throws {
            try bed.start()
            #expect(try deliver("mark", "evt_done")["stdout"] == "marked\n")
            #expect(try deliver("later", "evt_later").status == 202)
            #expect(try deliver("dead", "evt_dead").status == 202)
            #expect(try deliver("held", "evt_held").status == 202)
            #expect(try deliver("held", "evt_waiting").status == 202)
            try #require(try eventually(within: 60, { try bed.jobs(["--status", "dead"]).count == 1 }))
            try #require(eventually { runs == 2 })
            // Its settings have changed, and it runs still.
            try bed.useJournal(database, name)
            let early = try copy()
            #expect(early.code == 1)
            #expect(early.errors.contains("an executor uses it; stop that one"))
            kill(bed.executor.pid, SIGSTOP)
            for pid in bed.processes("sallyport") { kill(pid, SIGKILL) }
            bed.executor.stop(SIGKILL)

            let copied = try copy()
            #expect(copied.code == 0, "\(copied.errors)")
            #expect(copied.output.contains("5 jobs, of which 3 unfinished and 1 dead letters"))
            #expect(copied.output.contains("next: start the executor with these settings"))
            FileManager.default.createFile(atPath: "\(marks).allowed", contents: nil)
            try bed.executor.start()
            try bed.waitUntilReady()

            let known = try deliver("mark", "evt_done", attempt: 2)
            #expect(known.status == 200)
            #expect(known.isDuplicate)
            #expect(known["stdout"] == "marked\n")
            // What ran is unknown, and stays so; what waited, for its place or its time, is run.
            #expect(try bed.jobs(["--status", "unknown"]).map { $0["event"] as? String } == ["evt_held"])
            try #require(eventually(within: 90) { runs == 4 })
            let dead = try #require(try bed.jobs(["--status", "dead"]).first?["job"] as? String)
            let replayed = try bed.command(["jobs", "replay", dead])
            #expect(replayed.code == 0, "\(replayed.errors)")
            try #require(try eventually(within: 60, { try bed.jobs(["--hook", "dead", "--status", "succeeded"]).count == 1 }))
            bed.executor.stop(SIGTERM, within: 60)
            let verified = try bed.audit("verify")
            #expect(verified.code == 0, "\(verified.errors)")
            // Before and after, it is one log.
            for job in try database.sql("SELECT id FROM sallyport.job", in: name).split(separator: "\n") {
                #expect(try bed.audit("show", [String(job)]).output.contains("decision"))
            }
            let late = try copy()
            #expect(late.code == 1)
            #expect(late.errors.contains("a journal is copied before its executor begins there"))
        }

        @Test func `a copy that is killed goes on where it was`() async throws {
            var filler = try JournalFiller(bed, count: 8000)
            try await filler.fill()
            try bed.useJournal(database, name)
            let copying = Daemon(
                try TestBed.binary("sallyport-executor"),
                [
                    "journal", "copy", "--config", bed.box.appending(path: "executor.yaml").path,
                    bed.box.appending(path: "state/journal.db").path,
                ], log: bed.folder.appending(path: "copy.log"))
            func count() throws -> Int {
                let there = try database.sql("SELECT to_regclass('sallyport.job') IS NOT NULL", in: name) == "t\n"
                let text = there ? try database.sql("SELECT count(*) FROM sallyport.job", in: name) : ""
                return Int(text.dropLast()) ?? 0
            }
            try copying.start()
            try #require(try eventually(within: 60, { try count() > 0 }))
            copying.stop(SIGKILL)
            let before = try count()
            try #require(before < 8000, "it was killed too late to prove something")
            let second = try copy()
            #expect(second.code == 0, "\(second.errors)")
            #expect(second.output.contains("copied for sallyport/executor: \(8000 - before) jobs"))
            #expect(second.output.contains("\(before) jobs were there already"))
            #expect(try count() == 8000)
            // It is what a copy at one go comes to.
            let (whole, url) = (try database.makeDatabase(), bed.box.appending(path: "executor.yaml"))
            try String(contentsOf: url, encoding: .utf8).replacing("database: \(name),", with: "database: \(whole),")
                .write(to: url, atomically: true, encoding: .utf8)
            #expect(try copy().code == 0)
            let all = """
                SELECT md5(string_agg(concat_ws(' ', id, turn, hosts, status, md5(result), at, what, destination), ','
                    ORDER BY job.number, event.number)), count(*)
                FROM sallyport.job LEFT JOIN sallyport.event ON event.job = job.number
                """
            #expect(try database.sql(all, in: whole) == database.sql(all, in: name))
            let check = try Command.run(
                try TestBed.binary("sallyport-executor"),
                ["journal", "check", "--config", bed.box.appending(path: "executor.yaml").path])
            #expect(check.output.contains("8000 jobs, of which 0 unfinished"))
        }
    }
#endif
