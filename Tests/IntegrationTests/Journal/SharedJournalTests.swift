#if PostgreSQL
    import Foundation
    import Glibc
    import TestSupport
    import Testing

    /// Two pods, each an ingress and an executor, with one journal in PostgreSQL.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct SharedJournalTests {
        private static let marks = "/tmp/sallyport-shared-\(UUID().uuidString.prefix(8))"

        private static let jobs = """
              mark:
                command: [sh, -c, "echo x >> \(marks); sleep 2; echo marked"]
                destinations: [web-1]
                timeout: 20s
              single:
                command: [sh, -c, "echo x >> \(marks); sleep 4; echo marked"]
                destinations: [web-1]
                timeout: 60s
                concurrency: 1
              again:
                command: [sh, -c, 'echo "$$" >> $0; until [ -e $0.go ]; do sleep 0.2; done', \(marks)]
                destinations: [web-1]
                timeout: 120s
                interrupted: retry
                retry: { attempts: 30, backoff: 200ms, max-backoff: 200ms }
              alone:
                command: [sh, -c, "mkdir \(marks).lock || echo overlap >> \(marks); sleep 0.3; rmdir \(marks).lock; echo x >> \(marks)"]
                destinations: [web-1]
                timeout: 20s
                concurrency: 1
              lane:
                command: [sh, -c, 'mkdir "$0.lock" || echo overlap >> $0; sleep 0.2; rmdir "$0.lock"; echo "$1" >> $0', \(marks), "{number}"]
                destinations: [web-1]
                timeout: 20s
                lane: { key: "{of}", queue: 20 }
                parameters:
                  number: { type: integer, minimum: 0, maximum: 99 }
                  of: { pattern: "all" }
              rated:
                command: ["true"]
                destinations: [web-1]
                timeout: 20s
                rate: { jobs: 2, per: 1h }

            """
        private static let hooks =
            DeliveryTests.hook("mark") + DeliveryTests.hook("again", "respond: async")
            + DeliveryTests.hook("single", "respond: sync\n    wait: 50s")
            + DeliveryTests.hook("alone", "respond: sync\n    wait: 50s") + DeliveryTests.hook("rated")
            + DeliveryTests.hook("lane", "respond: async\n    parameters: {number: {payload: /number}, of: {literal: all}}")

        private let database: PostgreSQLServer
        private let one: TestBed
        private let two: TestBed

        init() throws {
            try? FileManager.default.removeItem(atPath: Self.marks)
            database = try PostgreSQLServer()
            let name = try database.makeDatabase()
            let server = database
            func pod(_ executor: String) throws -> TestBed {
                let bed = try TestBed(jobs: Self.jobs, hooks: Self.hooks, start: false)
                try bed.useJournal(server, name, as: "sallyport/\(executor)")
                try bed.start()
                return bed
            }
            one = try pod("one")
            two = try pod("two")
        }

        private var lines: [String] {
            (try? String(contentsOfFile: Self.marks, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
        }

        private var runs: Int { lines.count }

        private func delivering(_ hook: String, event: String, to bed: TestBed) -> Background<HookAnswer> {
            Background { try bed.deliver(hook: hook, event: event, signature: nil, token: nil) }
        }

        @Test func `an event that reaches both pods runs once, and both senders get its result`() throws {
            let answers = try [one, two].map { delivering("mark", event: "evt_both", to: $0) }.map { try $0.value }
            #expect(answers.map(\.status) == [200, 200])
            #expect(answers.map { $0["stdout"] } == ["marked\n", "marked\n"])
            #expect(answers.count { $0.isDuplicate } == 1)
            #expect(Set(answers.map { $0["job"] ?? "" }).count == 1)
            #expect(runs == 1)
            // Afterwards, too; and every pod knows what became of it.
            for bed in [one, two] {
                let again = try bed.deliver(hook: "mark", event: "evt_both", attempt: 2, signature: nil, token: nil)
                #expect(again.status == 200)
                #expect(again.isDuplicate)
                let shown = try bed.command(["jobs", "show", "evt_both"])
                #expect(shown.code == 0)
                #expect(shown.output.contains("succeeded"))
            }
            #expect(runs == 1)
        }

        @Test func `a job that may run once at a time does so whichever pod it reaches, and all get their turn`() throws {
            let answers = (0..<10).map { delivering("alone", event: "evt_\($0)", to: $0.isMultiple(of: 2) ? one : two) }
            #expect(try answers.map { try $0.value.status } == Array(repeating: 200, count: 10))
            #expect(lines == Array(repeating: "x", count: 10))
        }

        @Test func `jobs of a lane run one at a time in the order in which the pods took them`() throws {
            for number in 0..<10 {
                let bed = number.isMultiple(of: 2) ? one : two
                let answer = try bed.deliver(
                    "{\"number\":\(number)}", hook: "lane", event: "evt_\(number)", signature: nil, token: nil)
                #expect(answer.status == 202)
            }
            #expect(try eventually(within: 60) { try one.jobs(["--status", "succeeded"]).count == 10 })
            #expect(lines == (0..<10).map(String.init))
        }

        @Test func `a rate is that of all pods together`() throws {
            let answers = try [one, two, one, two].enumerated().map { number, bed in
                try bed.deliver(hook: "rated", event: "evt_\(number)", signature: nil, token: nil).status
            }
            #expect(answers == [200, 200, 429, 429])
        }

        @Test func `after kill -9 of an executor the other says that what ran is unknown, and runs what had not begun`() throws {
            let first = delivering("single", event: "evt_ran", to: one)
            try #require(eventually { runs == 1 })
            let second = delivering("single", event: "evt_waited", to: one)
            try #require(try eventually { try one.jobs(["--status", "accepted"]).count == 1 })
            // The gate and its workers before the supervisor, whose end would have them stop in order.
            kill(one.executor.pid, SIGSTOP)
            for pid in one.processes("sallyport") { kill(pid, SIGKILL) }
            one.executor.stop(SIGKILL)
            // Its lease ends, and the other takes its jobs over.
            try #require(try eventually(within: 60, { try two.jobs(["--status", "succeeded"]).count == 1 }))
            #expect(runs == 2)
            let ran = try two.deliver(hook: "single", event: "evt_ran", attempt: 2, signature: nil, token: nil)
            #expect(ran.status == 500)
            #expect(ran["status"] == "unknown")
            let waited = try two.deliver(hook: "single", event: "evt_waited", attempt: 2, signature: nil, token: nil)
            #expect(waited.status == 200)
            #expect(waited.isDuplicate)
            #expect(runs == 2)
            #expect(try two.command(["jobs", "show", "evt_waited"]).output.contains("taken over by sallyport/two"))
            // Those who waited at the pod were told honestly, whatever it was.
            for answer in [first, second] { #expect(try answer.value.status != 200) }
            try endAndVerify(takeovers: 2)
        }

        /// Ends both executors, each log with a checkpoint of all that its executor has recorded; then these hold, and join up.
        private func endAndVerify(takeovers: Int) throws {
            for bed in [one, two] {
                // What was killed writes what its log lacks when it starts.
                if !bed.executor.isRunning { try bed.executor.start() }
                try bed.waitUntilReady()
                #expect(bed.executor.stop() == 0)
            }
            let joined = try TestBed.joined([one, two])
            #expect(joined.gaps == [])
            #expect(joined.open == 0)
            #expect(joined.takeovers == takeovers)
            let told = try TestBed.auditTogether([one, two])
            #expect(told.code == 0)
            #expect(told.output.hasPrefix("the logs hold, and join up\n"))
            #expect(told.output.contains("\(takeovers) takeovers"))
        }

        @Test func `logs of two executors that were changed, left out or given twice do not join up, and it is said why`() throws
        {
            // A job that only one of them has, and one that the other takes over.
            #expect(try one.deliver(hook: "mark", event: "evt_own", signature: nil, token: nil).status == 200)
            let answer = delivering("mark", event: "evt_taken", to: one)
            try #require(eventually { runs == 2 })
            kill(one.executor.pid, SIGSTOP)
            for pid in one.processes("sallyport") { kill(pid, SIGKILL) }
            one.executor.stop(SIGKILL)
            try #require(try eventually(within: 60, { try two.jobs(["--status", "unknown"]).count == 1 }))
            #expect(try answer.value.status != 200)
            // As long as the killed one has not started again its log may lack what was recorded last.
            try endAndVerify(takeovers: 1)
            let (first, second) = (one.auditFolder, two.auditFolder)
            func verify(_ folders: String..., arguments: [String] = []) throws -> Command {
                try TestBed.auditTogether([one, two], arguments, folders: folders)
            }
            #expect(try verify(second, first).code == 0)
            // One log alone: it names whom it has taken over from.
            let alone = try verify(second)
            #expect(alone.code == 4)
            #expect(alone.output.contains("the log of sallyport/one is not given: give its folder, too"))
            #expect(alone.errors.contains("each log holds; together they do not: 1 job does not join up"))
            let open = try verify(first)
            #expect(open.code == 0)
            #expect(open.output.contains("still open   1 of sallyport/one"))
            // The same log twice, also as a copy.
            let copy = one.folder.appending(path: "copy")
            try FileManager.default.copyItem(at: URL(filePath: first), to: copy)
            for twice in [first, copy.path] {
                let told = try verify(first, second, twice)
                #expect(told.code == 2)
                #expect(told.errors.contains("are both the log of sallyport/one"))
            }
            // A changed tree comes before everything else, and says which.
            let segment = copy.appending(path: "00000000000000000000.audit")
            let text = try String(contentsOf: segment, encoding: .utf8)
            try text.replacing("evt_taken", with: "evt_token").write(to: segment, atomically: true, encoding: .utf8)
            let changed = try verify(copy.path, second)
            #expect(changed.code == 1)
            #expect(changed.errors.contains(segment.path))
            #expect(changed.errors.contains("1 of 2 logs do not hold"))
            // A checkpoint that was kept elsewhere is of one of them, or of one that is missing.
            let kept = one.folder.appending(path: "kept").path
            try one.audit("checkpoint").output.write(toFile: kept, atomically: true, encoding: .utf8)
            #expect(try verify(first, second, arguments: ["--checkpoint", kept]).code == 0)
            let missing = try verify(second, arguments: ["--checkpoint", kept])
            #expect(missing.code == 2)
            #expect(missing.errors.contains("a checkpoint of sallyport/one, whose log is not given"))
        }

        @Test func `an executor that stood still for longer than its lease ends, and what it ran is not run again`() throws {
            let answer = delivering("mark", event: "evt_still", to: one)
            try #require(eventually { runs == 1 })
            // The gate, not its supervisor alone.
            let gate = one.processes("sallyport-executor")
            for pid in gate { kill(pid, SIGSTOP) }
            try #require(try eventually(within: 60, { try two.jobs(["--status", "unknown"]).count == 1 }))
            for pid in gate { kill(pid, SIGCONT) }
            #expect(eventually { !one.executor.isRunning })
            #expect(one.executor.text.contains("another executor has taken over"))
            #expect(try answer.value.status != 200)
            let again = try two.deliver(hook: "mark", event: "evt_still", attempt: 2, signature: nil, token: nil)
            #expect(again["status"] == "unknown")
            #expect(runs == 1)
            try endAndVerify(takeovers: 1)
        }

        @Test func `a job is cancelled at any pod, while it runs and while it waits`() throws {
            let answers = [
                delivering("single", event: "evt_runs", to: one), delivering("single", event: "evt_waits", to: one),
            ]
            try #require(try eventually { try two.jobs(["--status", "accepted"]).count == 1 && runs == 1 })
            for status in ["accepted", "running"] {
                let job = try #require(try two.jobs(["--status", status]).first?["job"] as? String)
                let cancelled = try two.command(["jobs", "cancel", job])
                #expect(cancelled.code == 0, "\(cancelled.output)\(cancelled.errors)")
                #expect(try two.command(["jobs", "show", job]).output.contains("cancel asked for by"))
                let again = try two.command(["jobs", "cancel", job])
                #expect(again.errors.contains("does not run; it is failed"))
            }
            for answer in answers { #expect(try answer.value["status"] == "failed") }
            #expect(runs == 1)
        }

        /// The cancel comes to the executor that has the job and is gone before that has ended, or to the other one afterwards.
        @Test(arguments: [true, false])
        func `a cancelled job whose executor is gone is not begun again by the one that takes it over`(before: Bool) throws {
            // Its connection is there already: what it begins it begins at once.
            #expect(try two.deliver(hook: "mark", event: "evt_warm", signature: nil, token: nil).status == 200)
            let id = try #require(try one.deliver(hook: "again", event: "evt_ran", signature: nil, token: nil)["job"])
            try #require(eventually { runs == 2 })
            var asked: Background<Command>?
            if before {
                // Nothing ends the command before its executor is gone.
                for pid in one.processes("sallyport-ssh-worker") { kill(pid, SIGSTOP) }
                asked = Background { try one.command(["jobs", "cancel", id]) }
                try #require(try eventually { try two.command(["jobs", "show", id]).output.contains("cancel asked for by") })
            }
            kill(one.executor.pid, SIGSTOP)
            for pid in one.processes("sallyport") { kill(pid, SIGKILL) }
            one.executor.stop(SIGKILL)
            if let asked {
                #expect(try asked.value.code != 0)
                #expect(try eventually(within: 60) { try two.jobs(["--status", "unknown"]).count == 1 })
            } else {
                let cancelled = try two.command(["jobs", "cancel", id])
                #expect(cancelled.code == 0, "\(cancelled.output)\(cancelled.errors)")
            }
            #expect(try two.command(["jobs", "show", id]).output.contains("how an attempt before ended is not known"))
            #expect(!two.executor.text.contains("job goes on after a restart"))
            #expect(runs == 2)
        }

        @Test func `what runs on a host still, of an executor that stands still, is not run beside itself`() throws {
            let id = try #require(try one.deliver(hook: "again", event: "evt_twin", signature: nil, token: nil)["job"])
            try #require(eventually { runs == 1 })
            // Its workers go on, and with them the command.
            let gate = one.processes("sallyport-executor")
            for pid in gate { kill(pid, SIGSTOP) }
            let words = "an earlier attempt of this job still runs on web-1"
            try #require(try eventually(within: 90) { try two.command(["jobs", "show", id]).output.contains(words) })
            #expect(runs == 1)
            let first = try #require(lines.first.flatMap { pid_t($0) })
            #expect(kill(first, 0) == 0)
            for pid in gate { kill(pid, SIGCONT) }
            try #require(eventually(within: 60) { runs == 2 })
            #expect(kill(first, 0) == -1)
            try Data().write(to: URL(filePath: "\(Self.marks).go"))
            defer { try? FileManager.default.removeItem(atPath: "\(Self.marks).go") }
            try #require(try eventually(within: 60) { try two.jobs(["--status", "succeeded"]).count == 1 })
            #expect(runs == 2)
        }

        @Test func `while PostgreSQL is away nothing is taken, what runs keeps its result, and afterwards all goes on`() throws {
            let answer = delivering("single", event: "evt_kept", to: one)
            try #require(eventually { runs == 1 })
            database.stop(SIGQUIT)
            let refused = try two.deliver(hook: "mark", event: "evt_away", signature: nil, token: nil)
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] != nil)
            try #require(eventually { one.executor.text.contains("result is not recorded yet") })
            try database.start()
            #expect(try answer.value.status == 200)
            try #require(eventually { one.executor.text.contains("result is recorded now") })
            let known = try two.deliver(hook: "single", event: "evt_kept", attempt: 2, signature: nil, token: nil)
            #expect(known.status == 200)
            #expect(known.isDuplicate)
            let taken = try two.deliver(hook: "mark", event: "evt_away", attempt: 2, signature: nil, token: nil)
            #expect(taken.status == 200)
            #expect(!taken.isDuplicate)
            #expect(runs == 2)
        }

        @Test func `while PostgreSQL is away no pod is ready, status says why, and all are ready again by themselves`() throws {
            func readiness(_ bed: TestBed) throws -> String {
                try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/readyz"]).output
            }
            for bed in [one, two] {
                #expect(try readiness(bed) == "ok\n")
                // An executor that has to wait for a worker says so, too.
                try #require(try eventually { try bed.command(["status"]).code == 0 })
            }
            database.stop(SIGQUIT)
            for bed in [one, two] {
                #expect(try eventually { try readiness(bed) == "the executor cannot reach its journal\n" })
                let status = try bed.command(["status"])
                #expect(status.code != 0)
                #expect(status.output.contains("the journal cannot be written, nothing new is accepted"))
                #expect(status.output.contains("look whether PostgreSQL runs"))
            }
            // An ingress that comes only now learns it, too.
            one.ingress.stop(SIGTERM)
            try one.ingress.start()
            #expect(try eventually { try readiness(one) == "the executor cannot reach its journal\n" })
            #expect(try Command.run("/usr/bin/curl", ["-sf", "http://127.0.0.1:\(one.operationsPort)/healthz"]).code == 0)
            try database.start()
            for bed in [one, two] {
                #expect(try eventually { try readiness(bed) == "ok\n" })
                #expect(try eventually { try bed.command(["status"]).code == 0 })
                let taken = try bed.deliver(hook: "mark", signature: nil, token: nil)
                #expect(taken.status == 200)
            }
            for bed in [one, two] { #expect(bed.ingress.text.contains("the executor has its journal again")) }
        }
    }
#endif
