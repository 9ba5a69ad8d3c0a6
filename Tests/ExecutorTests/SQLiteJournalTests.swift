import Foundation
import ProtocolMessages
import TestSupport
import Testing

@testable import Executor

@Suite struct SQLiteJournalTests {
    private let folder: TemporaryFolder
    private let journal: SQLiteJournal

    init() throws {
        folder = try TemporaryFolder()
        journal = try Samples.journal("\(folder.path)/journal.db")
    }

    @discardableResult
    private func claimed(_ request: WireJobRequest, at time: Int64 = Samples.now, body: [UInt8]? = nil) async throws
        -> WireJobRequest
    {
        _ = try await journal.claim(Samples.claim(request, at: time, body: body))
        return request
    }

    @Test func `a claimed job is found with all that is needed to run it`() async throws {
        let request = Samples.event("e1") { $0.parameters = ["sha": "4f2c"] }
        try await claimed(request, body: [0, 0xff])
        let stored = try #require(try await journal.find(request.jobID))
        #expect(stored.request == request)
        #expect(stored.body == [0, 0xff])
        #expect(stored.ingress == "edge")
        #expect(stored.status == .accepted)
        #expect(stored.attempt == 1)
        #expect(stored.acceptedAt == Samples.now)
        #expect(stored.finishedAt == nil)
        #expect(stored.result == nil)
    }

    @Test func `a job finishes once`() async throws {
        let request = try await claimed(Samples.event("e1"), body: [1])
        try await journal.finish(request.jobID, Samples.result(request, .succeeded, at: Samples.now + 5))
        try await journal.finish(request.jobID, Samples.result(request, .failed, at: Samples.now + 9))
        try await journal.mark(request.jobID, .running, attempt: 7)
        let stored = try #require(try await journal.find(request.jobID))
        #expect(stored.status == .succeeded)
        #expect(stored.result == Samples.result(request, .succeeded, at: Samples.now + 5))
        #expect(stored.finishedAt == Samples.now + 5)
        #expect(stored.attempt == 1)
        #expect(stored.body == nil, "the body is needed no more")
        #expect(try await journal.history(request.jobID).map(\.what) == ["accepted", "succeeded"])
    }

    @Test func `what is unfinished is there when the file is opened again, in the order it came, whatever the clock said`()
        async throws
    {
        let path = "\(folder.path)/other.db"
        let (late, early, done) = (Samples.event("late"), Samples.event("early"), Samples.event("done"))
        do {
            let first = try Samples.journal(path)
            for (request, time) in [(late, 3), (early, 1), (done, 2)] as [(WireJobRequest, Int64)] {
                _ = try await first.claim(Samples.claim(request, at: Samples.now + time))
            }
            try await first.mark(late.jobID, .running, attempt: 2)
            try await first.finish(done.jobID, Samples.result(done, .failed))
        }
        let unfinished = try await Samples.journal(path).unfinished()
        #expect(unfinished.map(\.id) == [late.jobID, early.jobID])
        #expect(unfinished.map(\.status) == [.running, .accepted])
        #expect(unfinished.map(\.attempt) == [2, 1])
    }

    @Test func `a job is found by its own id, or the newest of an event by the event's`() async throws {
        let first = try await claimed(Samples.event("e1", attempt: 1), at: Samples.now)
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        let second = try await claimed(Samples.event("e1", attempt: 2), at: Samples.now + 1)
        #expect(try await journal.find("e1")?.id == second.jobID)
        #expect(try await journal.find(first.jobID)?.id == first.jobID)
        #expect(try await journal.find("e2") == nil)
        try await claimed(Samples.request())
        #expect(try await journal.find("") == nil)
    }

    @Test func `an event cannot pass for a job by taking the job's id as its own`() async throws {
        let job = try await claimed(Samples.event("e1"), at: Samples.now)
        try await claimed(Samples.event(job.jobID), at: Samples.now + 1)
        #expect(try await journal.find(job.jobID)?.request.eventID == "e1")
    }

    @Test func `a list is newest first, limited and by status and job`() async throws {
        let requests = (0..<5).map { index in Samples.event("e\(index)") { $0.job = index % 2 == 0 ? "deploy" : "restart" } }
        for (index, request) in requests.enumerated() { try await claimed(request, at: Samples.now + Int64(index)) }
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

    @Test func `a history keeps its order, and its job`() async throws {
        let request = try await claimed(Samples.event("e1"))
        let other = try await claimed(Samples.event("e2"))
        try await journal.note(request.jobID, "signed", destination: "web-1")
        try await journal.note(other.jobID, "signed for the other", destination: "web-2")
        journal.noteLater(request.jobID, "started", destination: "web-1")
        try await journal.finish(request.jobID, Samples.result(request, .succeeded))
        let history = try await journal.history(request.jobID)
        #expect(history.map(\.what) == ["accepted", "signed", "started", "succeeded"])
        #expect(history.map(\.destination) == ["", "web-1", "web-1", ""])
    }

    @Test func `nothing is noted for a job that is not there`() async throws {
        await #expect(throws: JournalError.self) {
            try await journal.note("nobody", "signed", destination: "web-1")
        }
    }

    @Test func `pruning takes the oldest finished jobs with their history, and never an unfinished one`() async throws {
        let ages: [Int64] = [10, 20, 30, 40]
        var requests: [WireJobRequest] = []
        for age in ages {
            let request = try await claimed(Samples.event("e\(age)"), at: Samples.now - 1000)
            try await journal.finish(request.jobID, Samples.result(request, .succeeded, at: Samples.now + age))
            requests.append(request)
        }
        let open = try await claimed(Samples.event("open"), at: 1)
        let running = try await claimed(Samples.event("running"), at: 1)
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

    @Test func `a job that is put off keeps its time, its attempt and what it came to, until it runs`() async throws {
        let request = try await claimed(Samples.event("e1"), body: [7])
        let progress = WireJobResult.with { $0.destinations = [.with { $0.destination = "web-1" }] }
        try await journal.postpone(request.jobID, attempt: 2, until: Samples.now + 9000, progress)
        let again = try Samples.journal("\(folder.path)/journal.db")
        let stored = try #require(try await again.unfinished().first)
        #expect(stored.status == .accepted)
        #expect(stored.attempt == 2)
        #expect(stored.dueAt == Samples.now + 9000)
        #expect(stored.progress == progress)
        #expect(stored.body == [7])
        try await journal.mark(request.jobID, .running, attempt: 2)
        #expect(try await journal.find(request.jobID)?.dueAt == nil)
    }

    @Test func `a dead letter keeps its body until it is discarded or replayed, each once`() async throws {
        let jobs = ["e1", "e2"].map { Samples.event($0) }
        for job in jobs {
            try await claimed(job, body: [7])
            try await journal.finish(job.jobID, Samples.result(job, .dead))
        }
        #expect(try await journal.list(JobFilter(deadLetters: true), limit: 9).map(\.id) == [jobs[1].jobID, jobs[0].jobID])
        #expect(try await journal.find(jobs[0].jobID)?.body == [7])
        #expect(try await journal.discard(jobs[0].jobID, by: "ann (uid 7)"))
        #expect(try await !journal.discard(jobs[0].jobID, by: "ann (uid 7)"))
        #expect(try await journal.find(jobs[0].jobID)?.body == nil)
        let replay = Samples.event("e2") { $0.manualRetry = true }
        let origin = Replay(origin: jobs[1].jobID, operatorName: "ann (uid 7)")
        #expect(try await journal.claim(Samples.claim(replay, replay: origin)).text == "claimed")
        #expect(try await journal.list(JobFilter(deadLetters: true), limit: 9).isEmpty)
        #expect(try await journal.find(jobs[1].jobID)?.letter == .replayed)
        let stored = try #require(try await journal.find(replay.jobID))
        #expect(stored.origin == jobs[1].jobID)
        #expect(stored.operatorName == "ann (uid 7)")
        #expect(try await journal.history(jobs[1].jobID).last?.what == "replayed as \(replay.jobID) by ann (uid 7)")
    }

    @Test func `only what succeeded gives its body up at once`() async throws {
        for (index, status) in [WireJobStatus.succeeded, .failed, .timedOut, .unknown].enumerated() {
            let job = try await claimed(Samples.event("e\(index)"), body: [7])
            try await journal.finish(job.jobID, Samples.result(job, status))
            #expect(try await journal.find(job.jobID)?.body == (status == .succeeded ? nil : [7]))
        }
    }

    @Test func `a list is also by hook, host, event, correlation and time`() async throws {
        for index in 0..<3 {
            let request = Samples.event("e\(index)") {
                $0.hook = "hook\(index)"
                $0.correlationID = "c\(index)"
            }
            let claim = try Samples.claim(request, at: Samples.now + Int64(index), hosts: ["web-\(index)", "db"])
            _ = try await journal.claim(claim)
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

    @Test func `a copy is the journal as it was, and never takes another file's place`() async throws {
        let request = try await claimed(Samples.event("e1"))
        let care = try JournalCare(path: "\(folder.path)/journal.db")
        try FileManager.default.createDirectory(atPath: "\(folder.path)/copy", withIntermediateDirectories: false)
        let path = "\(folder.path)/copy/journal.db"
        try care.backup(to: path)
        try await claimed(Samples.event("e2"))
        let copy = try Samples.journal(path)
        #expect(try await copy.list(JobFilter(), limit: 9).map(\.id) == [request.jobID])
        let second = #expect(throws: JournalCareError.self) { try care.backup(to: path) }
        #expect(
            second?.description.hasSuffix("backup to \(path): it is there already; name another file, or move that one away")
                == true)
        #expect(try await journal.list(JobFilter(), limit: 9).count == 2)
    }

    @Test func `a check counts what is there, and names what is broken`() async throws {
        let request = try await claimed(Samples.event("e1"), body: [UInt8](repeating: 7, count: 64 * 1024))
        try await claimed(Samples.event("e2"))
        try await journal.finish(request.jobID, Samples.result(request, .dead))
        let path = "\(folder.path)/journal.db"
        let lines = try JournalCare(path: path).check()
        #expect(lines.first?.contains("is whole") == true)
        #expect(lines.last == "2 jobs, of which 1 unfinished and 1 dead letters")
        let copy = "\(folder.path)/copy.db"
        try JournalCare(path: path).backup(to: copy)
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: copy)))
        for index in stride(from: 4096 * 3, to: bytes.count, by: 4096) { bytes[index] ^= 0xff }
        _ = try folder.write("broken.db", bytes)
        #expect(throws: JournalCareError.self) { try JournalCare(path: "\(folder.path)/broken.db").check() }
        #expect(throws: JournalCareError.self) { try JournalCare(path: "\(folder.path)/none.db") }
    }

    @Test func `a full journal refuses, says why, and goes on with what fits`() async throws {
        let small = try Samples.journal("\(folder.path)/small.db", maximumSize: 320 * 1024)
        let big = [UInt8](repeating: 7, count: 200 * 1024)
        let first = Samples.event("e1")
        #expect(try await small.claim(Samples.claim(first, body: big)).text == "claimed")
        let error = await #expect(throws: JournalError.self) {
            try await small.claim(Samples.claim(Samples.event("e2"), body: big))
        }
        #expect(error?.cause == .full)
        try await small.finish(first.jobID, Samples.result(first, .succeeded))
        #expect(try await small.claim(Samples.claim(Samples.event("e2"), body: big)).text == "claimed")
    }

    @Test func `a file that cannot be opened is an error that names it`() throws {
        let path = "\(folder.path)/journal.db.d"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let error = #expect(throws: JournalError.self) { try Samples.journal(path) }
        #expect(error?.description.hasPrefix("journal \(path): open: ") == true)
    }

    @Test func `a file that is no database is an error and stays as it is`() throws {
        let text = String(repeating: "not a database ", count: 100)
        let path = try folder.write("text", text)
        #expect(throws: JournalError.self) { try Samples.journal(path) }
        #expect(throws: JournalError.self) { try Samples.journal(path) }
    }
}

@Suite struct JournalLockTests {
    @Test func `a journal is one executor's, and a folder that is not there is named`() throws {
        let folder = try TemporaryFolder()
        #expect(try JournalLock.take("\(folder.path)/journal.db"))
        #expect(try !JournalLock.take("\(folder.path)/journal.db"))
        let missing = #expect(throws: JournalError.self) {
            _ = try JournalLock.take("\(folder.path)/none/journal.db")
        }
        #expect(missing?.description.contains("\(folder.path)/none/journal.db") == true)
    }
}
