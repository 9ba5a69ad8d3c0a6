import Foundation
import GRDB
import ProtocolMessages
import TestSupport
import Testing

@testable import Executor

/// Lists read what they show and little else, in a journal of any version.
@Suite struct SQLiteSearchTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let filters: [JobFilter] = [
        JobFilter(), JobFilter(status: .failed), JobFilter(job: "deploy"), JobFilter(hook: "github"), JobFilter(host: "web-1"),
        JobFilter(eventID: "e"), JobFilter(correlationID: "c"), JobFilter(since: 1), JobFilter(until: 2),
        JobFilter(since: 1, until: 2), JobFilter(deadLetters: true), JobFilter(status: .failed, job: "deploy"),
        JobFilter(job: "deploy", host: "web-1"), JobFilter(hook: "github", since: 1),
        JobFilter(host: "web-1", since: 1, until: 2),
        JobFilter(job: "deploy", deadLetters: true), JobFilter(status: .dead, host: "web-1", eventID: "e"),
    ]

    @Test(arguments: filters) func `a search walks along an index that is in the order of the list`(filter: JobFilter) throws {
        let database = try DatabaseQueue()
        try SQLiteSchema.migrator.migrate(database)
        try database.read { database in
            let search = try SQLiteSearch(filter, database)
            let plan = try Row.fetchAll(
                database, sql: "EXPLAIN QUERY PLAN " + search.sql, arguments: StatementArguments(search.arguments + [50])
            ).map { $0["detail"] as String }
            #expect(!plan.contains { $0.hasPrefix("SCAN") && !$0.contains("USING") }, "\(plan)")
            // Jobs of one millisecond are put in order, and those of one event, which are few.
            #expect(filter.eventID.isEmpty == !plan.contains { $0.hasSuffix("TEMP B-TREE FOR ORDER BY") }, "\(plan)")
        }
    }

    @Test func `of several parts the search walks along the one that the fewest jobs meet`() async throws {
        let journal = try Samples.journal("\(folder.path)/journal.db")
        for index in 0..<20 {
            let request = Samples.event("e\(index)") { $0.job = index == 7 ? "rare" : "deploy" }
            _ = try await journal.claim(Samples.claim(request, at: Samples.now + Int64(index), hosts: ["web-\(index % 10)"]))
        }
        let database = try DatabaseQueue(path: "\(folder.path)/journal.db")
        func index(_ filter: JobFilter) throws -> String {
            try database.read {
                try SQLiteSearch(filter, $0).sql.components(separatedBy: " FROM ")[1].components(separatedBy: " WHERE")[0]
            }
        }
        #expect(try index(JobFilter(status: .accepted, job: "rare")) == "job INDEXED BY job_by_name")
        #expect(try index(JobFilter(status: .failed, job: "deploy")) == "job INDEXED BY job_by_status")
        #expect(try index(JobFilter(job: "deploy", host: "web-3")).hasPrefix("job_host"))
        #expect(try index(JobFilter(job: "rare", host: "web-7")) == "job INDEXED BY job_by_name")
        #expect(try await journal.list(JobFilter(job: "rare", host: "web-7"), limit: 9).map(\.request.eventID) == ["e7"])
        #expect(try await journal.list(JobFilter(job: "rare", host: "web-6"), limit: 9).isEmpty)
    }

    /// Written by the version before, and dumped: two dead letters, of which one was replayed and one discarded.
    private static var older: String {
        get throws {
            try String(
                contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
                    path: "Fixtures/journal-3.sql"),
                encoding: .utf8)
        }
    }

    @Test func `a journal of the version before is brought up to date with all that is in it`() async throws {
        let path = "\(folder.path)/journal.db"
        do {
            let old = try DatabaseQueue(path: path)
            let sql = try Self.older
            try await old.writeWithoutTransaction { try $0.execute(sql: sql) }
            // One with several hosts, and one that was refused and has none.
            try await old.write { database in
                try database.execute(sql: "UPDATE job SET hosts = ',web-1,db-1,' WHERE number = 2")
                try database.execute(sql: "UPDATE job SET hosts = '' WHERE number = 3")
            }
            try old.close()
        }
        for _ in 0..<2 {
            let journal = try Samples.journal(path)
            func numbers(_ filter: JobFilter) async throws -> [String] {
                try await journal.list(filter, limit: 9).map(\.request.eventID)
            }
            #expect(try await numbers(JobFilter()) == ["evt_1", "evt_2", "evt_1"])
            #expect(try await numbers(JobFilter(host: "web-1")) == ["evt_2", "evt_1"])
            #expect(try await numbers(JobFilter(host: "db-1")) == ["evt_2"])
            #expect(try await numbers(JobFilter(status: .dead)) == ["evt_2", "evt_1"])
            #expect(try await numbers(JobFilter(status: .succeeded, eventID: "evt_1")) == ["evt_1"])
            #expect(try await numbers(JobFilter(deadLetters: true)) == [])
            let replayed = try #require(try await journal.find("evt_1"))
            #expect(replayed.result?.destinations.first?.destination == "web-1")
            #expect(try await journal.history(replayed.id).count == 4)
            journal.close()
        }
        let journal = try Samples.journal(path)
        #expect(try await journal.prune(before: .max, limit: 9) == 3)
        #expect(try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM job_host") } == 0)
        #expect(try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM event") } == 0)
        journal.close()
    }
}
