import ProtocolMessages
import Testing

@testable import Executor

/// What is written is there, as it was, from the moment it was promised.
@Suite struct JournalPromiseTests {
    private let bed = JournalBed()

    @Test(arguments: JournalKind.all)
    func `a claimed job is found with all that is needed to run it`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = Samples.event("e1") { $0.parameters = ["sha": "4f2c"] }
        try await journal.claimed(request, body: [0, 0xff])
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

    @Test(arguments: JournalKind.all)
    func `a job finishes once`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = try await journal.claimed(Samples.event("e1"), body: [1])
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

    @Test(arguments: JournalKind.all)
    func `what is unfinished is there when it is opened again, in the order it came, whatever the clock said`(
        kind: JournalKind
    ) async throws {
        let (late, early, done) = (Samples.event("late"), Samples.event("early"), Samples.event("done"))
        do {
            let first = try bed.open(kind)
            for (request, time) in [(late, 3), (early, 1), (done, 2)] as [(WireJobRequest, Int64)] {
                _ = try await first.claim(request, at: Samples.now + time)
            }
            try await first.mark(late.jobID, .running, attempt: 2)
            try await first.finish(done.jobID, Samples.result(done, .failed))
        }
        let unfinished = try await bed.reopen(kind).unfinished()
        #expect(unfinished.map(\.id) == [late.jobID, early.jobID])
        #expect(unfinished.map(\.status) == [.running, .accepted])
        #expect(unfinished.map(\.attempt) == [2, 1])
    }

    @Test(arguments: JournalKind.all)
    func `a job is found by its own id, or the newest of an event by the event's`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let first = try await journal.claimed(Samples.event("e1", attempt: 1), at: Samples.now)
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        let second = try await journal.claimed(Samples.event("e1", attempt: 2), at: Samples.now + 1)
        #expect(try await journal.find("e1")?.id == second.jobID)
        #expect(try await journal.find(first.jobID)?.id == first.jobID)
        #expect(try await journal.find("e2") == nil)
        try await journal.claimed(Samples.request())
        #expect(try await journal.find("") == nil)
    }

    @Test(arguments: JournalKind.all)
    func `an event cannot pass for a job by taking the job's id as its own`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let job = try await journal.claimed(Samples.event("e1"), at: Samples.now)
        try await journal.claimed(Samples.event(job.jobID), at: Samples.now + 1)
        #expect(try await journal.find(job.jobID)?.request.eventID == "e1")
    }

    @Test(arguments: JournalKind.all)
    func `a job that is put off keeps its time, its attempt and what it came to, until it runs`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = try await journal.claimed(Samples.event("e1"), body: [7])
        let progress = WireJobResult.with { $0.destinations = [.with { $0.destination = "web-1" }] }
        try await journal.postpone(request.jobID, attempt: 2, until: Samples.now + 9000, progress)
        let again = try bed.reopen(kind)
        let stored = try #require(try await again.unfinished().first)
        #expect(stored.status == .accepted)
        #expect(stored.attempt == 2)
        #expect(stored.dueAt == Samples.now + 9000)
        #expect(stored.progress == progress)
        #expect(stored.body == [7])
        try await again.mark(request.jobID, .running, attempt: 2)
        #expect(try await again.find(request.jobID)?.dueAt == nil)
    }

    @Test(arguments: JournalKind.all)
    func `a dead letter keeps its body until it is discarded or replayed, each once`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let jobs = ["e1", "e2"].map { Samples.event($0) }
        for job in jobs {
            try await journal.claimed(job, body: [7])
            try await journal.finish(job.jobID, Samples.result(job, .dead))
        }
        #expect(try await journal.list(JobFilter(deadLetters: true), limit: 9).map(\.id) == [jobs[1].jobID, jobs[0].jobID])
        #expect(try await journal.find(jobs[0].jobID)?.body == [7])
        #expect(try await journal.discard(jobs[0].jobID, by: "ann (uid 7)"))
        #expect(try await !journal.discard(jobs[0].jobID, by: "ann (uid 7)"))
        #expect(try await journal.find(jobs[0].jobID)?.body == nil)
        let replay = Samples.event("e2") { $0.manualRetry = true }
        let origin = Replay(origin: jobs[1].jobID, operatorName: "ann (uid 7)")
        #expect(try await journal.claim(replay, replay: origin) == "claimed")
        #expect(try await journal.list(JobFilter(deadLetters: true), limit: 9).isEmpty)
        #expect(try await journal.find(jobs[1].jobID)?.letter == .replayed)
        let stored = try #require(try await journal.find(replay.jobID))
        #expect(stored.origin == jobs[1].jobID)
        #expect(stored.operatorName == "ann (uid 7)")
        #expect(try await journal.history(jobs[1].jobID).last?.what == "replayed as \(replay.jobID) by ann (uid 7)")
    }

    @Test(arguments: JournalKind.all)
    func `only what succeeded gives its body up at once`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        for (index, status) in [WireJobStatus.succeeded, .failed, .timedOut, .unknown].enumerated() {
            let job = try await journal.claimed(Samples.event("e\(index)"), body: [7])
            try await journal.finish(job.jobID, Samples.result(job, status))
            #expect(try await journal.find(job.jobID)?.body == (status == .succeeded ? nil : [7]))
        }
    }

    @Test(arguments: JournalKind.all)
    func `a sequence keeps how far it has come`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = try await journal.claimed(Samples.event("e1"))
        let progress = WireJobResult.with { $0.destinations = [.with { $0.destination = "web-1" }] }
        try await journal.advance(request.jobID, attempt: 3, progress, [])
        let stored = try #require(try await journal.find(request.jobID))
        #expect(stored.status == .running)
        #expect(stored.attempt == 3)
        #expect(stored.progress == progress)
        try await journal.finish(request.jobID, Samples.result(request, .succeeded))
        try await journal.advance(request.jobID, attempt: 4, progress, [])
        try await journal.postpone(request.jobID, attempt: 5, until: Samples.now, progress)
        let ended = try #require(try await journal.find(request.jobID))
        #expect(ended.status == .succeeded)
        #expect(ended.progress == nil)
        #expect(ended.dueAt == nil)
    }

    @Test(arguments: JournalKind.all)
    func `texts and bytes of any kind come back as they went`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let body = (0..<(1024 * 1024)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let request = Samples.event("\u{1F984} ' \" \\ % _ \u{0} \u{7f} é") {
            $0.parameters = ["text": "a\u{0}b\r\n", "": ""]
            $0.correlationID = "\u{0}\u{10FFFF}"
        }
        try await journal.claimed(request, body: body)
        var result = Samples.result(request, .failed)
        result.error = "said \u{0} and \u{FFFD}"
        result.destinations = [.with { $0.stdout = .init((0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }) }]
        try await journal.finish(request.jobID, result)
        let stored = try #require(try await journal.find(request.jobID))
        #expect(stored.request == request)
        #expect(stored.body == body)
        #expect(stored.result == result)
        #expect(try await journal.find(request.eventID)?.id == request.jobID)
        let found = try await journal.list(JobFilter(correlationID: request.correlationID), limit: 9)
        #expect(found.map(\.request.eventID) == [request.eventID])
        #expect(try await journal.claim(Samples.event(request.eventID)) == "duplicate \(request.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `its health counts dead letters, and says that it is written`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        for event in ["e1", "e2"] {
            let job = try await journal.claimed(Samples.event(event))
            try await journal.finish(job.jobID, Samples.result(job, .dead))
        }
        let health = await journal.health()
        #expect(health.deadLetters == 2)
        #expect(health.journal.error.isEmpty)
        #expect(!health.journal.path.isEmpty)
        #expect(health.journal.bytes > 0)
        // A result is recorded, and nothing else was.
        #expect(health.audit.records == 2)
        #expect(!journal.isFailing)
    }
}
