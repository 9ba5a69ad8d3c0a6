#if PostgreSQL
    import Foundation
    import Glibc
    import TestSupport
    import Testing

    /// A hook that spools, before an executor whose PostgreSQL is away.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct AwayJournalSpoolTests {
        @Test func `while PostgreSQL is away deliveries are spooled, and run when it is back`() throws {
            let database = try PostgreSQLServer()
            let bed = try TestBed.spooling(
                jobs: "  mark: { command: [echo, marked], destinations: [web-1], timeout: 20s }\n",
                hooks: DeliveryTests.hook("mark", "respond: sync\n    when-executor-away: spool"))
            try bed.useJournal(database, database.makeDatabase())
            try bed.start()
            func readiness() throws -> String {
                try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/readyz"]).output
            }
            // With a spool it is ready before an executor is connected.
            try #require(try eventually { try readiness() == "ok\n" })
            database.stop(SIGQUIT)
            let away = "the executor cannot reach its journal; deliveries are spooled\n"
            try #require(try eventually { try readiness() == away })
            let answer = try bed.deliver(hook: "mark", event: "evt_away", signature: nil, token: nil)
            #expect(answer.status == 202)
            #expect(bed.spooled().count == 1)
            try database.start()
            try #require(try eventually(within: 60) { try bed.jobs(["--status", "succeeded"]).count == 1 })
            #expect(try readiness() == "ok\n")
            let known = try bed.deliver(hook: "mark", event: "evt_away", attempt: 2, signature: nil, token: nil)
            #expect(known["stdout"] == "marked\n")
            #expect(known.isDuplicate)
        }
    }
#endif
