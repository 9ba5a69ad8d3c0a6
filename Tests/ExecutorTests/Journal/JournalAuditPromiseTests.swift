import Audit
import Foundation
import ProtocolMessages
import TestSupport
import Testing

@testable import Executor

/// What is recorded stands in the executor's audit log with what it is about, or not at all.
@Suite struct JournalAuditPromiseTests {
    private let bed = JournalBed()

    private func event(_ name: String) -> AuditEvent { AuditEvent(.delivery, at: Samples.now, [("job", .text(name))]) }

    /// The jobs of the records in an executor's log, after it was verified.
    private func recorded(_ kind: JournalKind, _ executor: String = "executor") throws -> [String] {
        let trust = CheckpointTrust(keys: [try Samples.executorKey.get().publicKey])
        let log = AuditLog(path: try bed.auditPath(kind, executor), trust: trust)
        var jobs: [String] = []
        try log.verify(log.checkpoints().map(\.checkpoint), .init(record: { record, _ in jobs.append(record.event.job ?? "") }))
        return jobs
    }

    @Test(arguments: JournalKind.all)
    func `what a claim and a result bring is recorded in its order`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = Samples.request()
        let events = [event("one"), event("two")]
        #expect(try await journal.claim(request, events) == "claimed")
        // Known already: nothing is recorded again.
        #expect(try await journal.claim(request, events) == "known \(request.jobID)")
        for _ in 0..<2 { try await journal.finish(request.jobID, Samples.result(request, .succeeded), [event("end")]) }
        journal.close()
        #expect(try recorded(kind) == ["one", "two", "end", request.jobID])
    }

    @Test(arguments: JournalKind.all)
    func `what is undone in the journal is not recorded either, and leaves no gap`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        try await journal.record([event("before")])
        await #expect(throws: JournalError.self) {
            try await journal.note("nobody", "signed", destination: "web-1", event("undone"))
        }
        try await journal.record([event("after")])
        journal.close()
        #expect(try recorded(kind) == ["before", "after"])
    }

    @Test(arguments: JournalKind.all)
    func `what goes with something that is undone stands all the same`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let events = (0..<60).map { event("\($0)") }
        let requests = (0..<60).map { Samples.event("e\($0)") }
        let undone = await withTaskGroup(of: Int.self) { group in
            for (index, request) in requests.enumerated() {
                group.addTask {
                    do {
                        if index % 3 == 0 {
                            try await journal.note("nobody", "signed", destination: "web-1", events[index])
                        } else {
                            _ = try await journal.claim(request, [events[index]])
                        }
                        return 0
                    } catch {
                        return 1
                    }
                }
            }
            return await group.reduce(0, +)
        }
        journal.close()
        #expect(undone == 20)
        #expect(try await journal.list(JobFilter(), limit: 100).count == 40)
        #expect(try Set(recorded(kind)) == Set((0..<60).filter { $0 % 3 != 0 }.map { "\($0)" }))
    }

    @Test(arguments: JournalKind.all)
    func `records of many at once each have a place of their own`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 { group.addTask { try await journal.record([event("\(number)")]) } }
            try await group.waitForAll()
        }
        journal.close()
        #expect(try Set(recorded(kind)) == Set((0..<200).map { "\($0)" }))
    }

    @Test(arguments: JournalKind.all)
    func `what is recorded later is there with what follows it`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        journal.recordLater([event("later")])
        try await journal.record([event("now")])
        journal.close()
        #expect(try recorded(kind) == ["later", "now"])
    }

    @Test(arguments: JournalKind.all)
    func `a log goes on where it ended, and after a kill with what was promised`(kind: JournalKind) async throws {
        let first = try bed.open(kind)
        try await first.record([event("a"), event("b")])
        first.close()
        let second = try bed.reopen(kind)
        try await second.record([event("c")])
        // Not closed: as after a kill. Its thread lives on, and must have written what it had, or it would write beside the next.
        let file = URL(filePath: try bed.auditPath(kind)).appending(path: "00000000000000000000.audit")
        let line = Data(AuditRecord(index: 2, event: event("c")).bytes)
        try #require(try eventually { try Data(contentsOf: file).firstRange(of: line) != nil })
        let third = try bed.reopen(kind)
        try await third.record([event("d")])
        third.close()
        #expect(try recorded(kind) == ["a", "b", "c", "d"])
    }
}
