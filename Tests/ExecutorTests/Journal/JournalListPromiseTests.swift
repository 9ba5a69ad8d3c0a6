import ProtocolMessages
import Testing

@testable import Executor

/// What an operator looks at, and what is removed.
@Suite struct JournalListPromiseTests {
    private let bed = JournalBed()

    @Test(arguments: JournalKind.all)
    func `a list is newest first, limited and by status and job`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let requests = (0..<5).map { index in Samples.event("e\(index)") { $0.job = index % 2 == 0 ? "deploy" : "restart" } }
        for (index, request) in requests.enumerated() { try await journal.claimed(request, at: Samples.now + Int64(index)) }
        try await journal.finish(requests[4].jobID, Samples.result(requests[4], .failed))
        func events(_ limit: Int = 10, _ status: WireJobStatus? = nil, _ job: String? = nil) async throws -> [String] {
            try await journal.list(JobFilter(status: status, job: job ?? ""), limit: limit).map(\.request.eventID)
        }
        #expect(try await events() == ["e4", "e3", "e2", "e1", "e0"])
        #expect(try await events(2) == ["e4", "e3"])
        #expect(try await events(10, .failed) == ["e4"])
        #expect(try await events(10, nil, "restart") == ["e3", "e1"])
        #expect(try await events(10, .accepted, "deploy") == ["e2", "e0"])
        #expect(try await events(10, nil, "' OR 1 --") == [])
    }

    @Test(arguments: JournalKind.all)
    func `a history keeps its order, and its job`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = try await journal.claimed(Samples.event("e1"))
        let other = try await journal.claimed(Samples.event("e2"))
        try await journal.note(request.jobID, "signed", destination: "web-1")
        try await journal.note(other.jobID, "signed for the other", destination: "web-2")
        journal.noteLater(request.jobID, "started", destination: "web-1")
        try await journal.finish(request.jobID, Samples.result(request, .succeeded))
        let history = try await journal.history(request.jobID)
        #expect(history.map(\.what) == ["accepted", "signed", "started", "succeeded"])
        #expect(history.map(\.destination) == ["", "web-1", "web-1", ""])
    }

    @Test(arguments: JournalKind.all)
    func `nothing is noted for a job that is not there`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        await #expect(throws: JournalError.self) {
            try await journal.note("nobody", "signed", destination: "web-1")
        }
    }

    @Test(arguments: JournalKind.all)
    func `pruning takes the oldest finished jobs with their history, and never an unfinished one`(kind: JournalKind) async throws
    {
        let journal = try bed.open(kind)
        let ages: [Int64] = [10, 20, 30, 40]
        var requests: [WireJobRequest] = []
        for age in ages {
            let request = try await journal.claimed(Samples.event("e\(age)"), at: Samples.now - 1000)
            try await journal.finish(request.jobID, Samples.result(request, .succeeded, at: Samples.now + age))
            requests.append(request)
        }
        let open = try await journal.claimed(Samples.event("open"), at: 1)
        let running = try await journal.claimed(Samples.event("running"), at: 1)
        try await journal.mark(running.jobID, .running, attempt: 1)
        #expect(try await journal.prune(before: Samples.now + 10, limit: 10) == 0)
        #expect(try await journal.prune(before: Samples.now + 31, limit: 2) == 2)
        #expect(try await journal.find(requests[0].jobID) == nil)
        #expect(try await journal.find(requests[1].jobID) == nil)
        #expect(try await journal.find(requests[2].jobID) != nil)
        #expect(try await journal.history(requests[0].jobID).isEmpty)
        #expect(try await journal.prune(before: .max, limit: 10) == 2)
        #expect(try await journal.unfinished().map(\.id).sorted() == [open.jobID, running.jobID].sorted())
        #expect(try await journal.history(running.jobID).count == 1)
    }

    @Test(arguments: JournalKind.all)
    func `a list is also by hook, host, event, correlation and time`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        for index in 0..<3 {
            let request = Samples.event("e\(index)") {
                $0.hook = "hook\(index)"
                $0.correlationID = "c\(index)"
            }
            _ = try await journal.claim(request, at: Samples.now + Int64(index), hosts: ["web-\(index)", "db"])
        }
        func events(_ change: (inout JobFilter) -> Void) async throws -> [String] {
            var filter = JobFilter()
            change(&filter)
            return try await journal.list(filter, limit: 9).map(\.request.eventID)
        }
        #expect(try await events { $0.hook = "hook1" } == ["e1"])
        #expect(try await events { $0.host = "web-1" } == ["e1"])
        #expect(try await events { $0.host = "db" } == ["e2", "e1", "e0"])
        #expect(try await events { $0.host = "web" } == [])
        #expect(try await events { $0.eventID = "e2" } == ["e2"])
        #expect(try await events { $0.correlationID = "c0" } == ["e0"])
        #expect(try await events { ($0.since, $0.until) = (Samples.now + 1, Samples.now + 2) } == ["e1"])
        #expect(
            try await events {
                $0.host = "db"; $0.hook = "hook0"
            } == ["e0"])
    }

    @Test(arguments: JournalKind.all)
    func `a list is in the order of the time it shows, and of arrival where that is the same`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        for (name, time) in [("a", 5), ("b", 5), ("late", 9), ("back", 1)] as [(String, Int64)] {
            try await journal.claimed(Samples.event(name), at: time)
        }
        for filter in [JobFilter(), JobFilter(host: "web-1"), JobFilter(status: .accepted)] {
            #expect(try await journal.list(filter, limit: 9).map(\.request.eventID) == ["late", "b", "a", "back"])
        }
    }
}
