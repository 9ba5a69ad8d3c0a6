import ProtocolMessages
import TestSupport
import Testing

@testable import Executor

/// Who runs an event is decided once.
@Suite struct SQLiteJournalClaimTests {
    private let folder: TemporaryFolder
    private let journal: SQLiteJournal

    init() throws {
        folder = try TemporaryFolder()
        journal = try Samples.journal("\(folder.path)/journal.db")
    }

    private func claim(
        _ request: WireJobRequest, at time: Int64 = Samples.now, refusal: Refusal? = nil, expired: Bool = false
    ) async throws -> String {
        let status: WireJobStatus = refusal == nil ? .accepted : .refused
        return try await journal.claim(
            Samples.claim(request, at: time, status: status, refusal: refusal, expired: expired)
        ).text
    }

    @Test func `the same envelope again is the same job`() async throws {
        let request = Samples.event("e1")
        #expect(try await claim(request) == "claimed")
        #expect(try await claim(request) == "known \(request.jobID)")
        try await journal.finish(request.jobID, Samples.result(request, .failed))
        #expect(try await claim(request) == "known \(request.jobID)")
    }

    @Test func `a job id with other bytes is a conflict`() async throws {
        let request = Samples.event("e1")
        var other = request
        other.parameters["x"] = "y"
        #expect(try await claim(request) == "claimed")
        #expect(try await claim(other) == "conflict")
        other.dedupeKey = "another"
        #expect(try await claim(other) == "conflict")
    }

    @Test func `the same event under another job id is a duplicate, as long as its job runs and when it succeeded`() async throws
    {
        let first = Samples.event("e1")
        #expect(try await claim(first) == "claimed")
        #expect(try await claim(Samples.event("e1")) == "duplicate \(first.jobID)")
        #expect(try await claim(Samples.event("e1", attempt: 2)) == "duplicate \(first.jobID)")
        try await journal.mark(first.jobID, .running, attempt: 1)
        #expect(try await claim(Samples.event("e1", attempt: 3)) == "duplicate \(first.jobID)")
        try await journal.finish(first.jobID, Samples.result(first, .succeeded))
        #expect(try await claim(Samples.event("e1", attempt: 4)) == "duplicate \(first.jobID)")
        #expect(try await claim(Samples.event("e2")) == "claimed")
    }

    @Test func `after a failure a higher attempt is claimed, once, and stands for the event from then on`() async throws {
        let first = Samples.event("e1", attempt: 1)
        #expect(try await claim(first) == "claimed")
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        #expect(try await claim(Samples.event("e1", attempt: 1), at: Samples.now + 1) == "duplicate \(first.jobID)")
        let second = Samples.event("e1", attempt: 2)
        #expect(try await claim(second, at: Samples.now + 2) == "claimed")
        #expect(try await claim(Samples.event("e1", attempt: 2), at: Samples.now + 3) == "duplicate \(second.jobID)")
        #expect(try await claim(Samples.event("e1", attempt: 3), at: Samples.now + 4) == "duplicate \(second.jobID)")
        try await journal.finish(second.jobID, Samples.result(second, .succeeded))
        #expect(try await claim(Samples.event("e1", attempt: 3), at: Samples.now + 5) == "duplicate \(second.jobID)")
    }

    @Test func `an event id with another body contradicts, whatever became of the first and whoever asks`() async throws {
        let first = Samples.event("e1") { $0.bodyDigest = .init([1]) }
        #expect(try await claim(first) == "claimed")
        let other = Samples.event("e1", attempt: 2) {
            $0.bodyDigest = .init([2])
            $0.manualRetry = true
        }
        #expect(try await claim(other) == "contradiction \(first.jobID)")
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        #expect(try await claim(other) == "contradiction \(first.jobID)")
    }

    @Test func `of two events under one key each finds its own job, and else the newest`() async throws {
        func event(_ id: String, attempt: UInt32 = 1, window: Int64 = 1000) -> WireJobRequest {
            Samples.event(id, attempt: attempt) {
                $0.dedupeKey = "the body"
                $0.dedupeWindowMs = window
            }
        }
        let first = event("e1")
        #expect(try await claim(first) == "claimed")
        try await journal.finish(first.jobID, Samples.result(first, .succeeded))
        #expect(try await claim(event("e2"), at: Samples.now + 999) == "duplicate \(first.jobID)")
        let second = event("e2")
        #expect(try await claim(second, at: Samples.now + 1000) == "claimed")
        try await journal.finish(second.jobID, Samples.result(second, .succeeded))
        // Long after, the first is still its own duplicate, although another is the newest.
        #expect(try await claim(event("e1", attempt: 9), at: Samples.now + 900_000) == "duplicate \(first.jobID)")
        #expect(try await claim(event("e3"), at: Samples.now + 1999) == "duplicate \(second.jobID)")
        #expect(try await claim(event("e3", window: 0), at: Samples.now + 900_000) == "duplicate \(second.jobID)")
    }

    @Test func `a job of another name is nobody's duplicate, so an ingress cannot use up the events of jobs it may not ask for`()
        async throws
    {
        var other = Samples.event("e1")
        other.job = "harmless"
        #expect(try await claim(other) == "claimed")
        try await journal.finish(other.jobID, Samples.result(other, .succeeded))
        let mine = Samples.event("e1")
        #expect(try await claim(mine) == "claimed")
        #expect(try await claim(Samples.event("e1")) == "duplicate \(mine.jobID)")
        #expect(try await claim(Samples.event("e1") { $0.job = other.job }) == "duplicate \(other.jobID)")
    }

    @Test func `requests without an event are nobody's duplicates`() async throws {
        #expect(try await claim(Samples.request()) == "claimed")
        #expect(try await claim(Samples.request()) == "claimed")
    }

    @Test func `one that is expired begins nothing, but still finds its job`() async throws {
        let request = Samples.event("e1")
        #expect(try await claim(request, expired: true) == "expired")
        #expect(try await journal.find(request.jobID) == nil)
        #expect(try await claim(request) == "claimed")
        #expect(try await claim(request, expired: true) == "known \(request.jobID)")
        #expect(try await claim(Samples.event("e1"), expired: true) == "duplicate \(request.jobID)")
    }

    @Test func `a refused request is on record and does not stand in the way of its event`() async throws {
        let refused = Samples.event("e1")
        #expect(try await claim(refused, refusal: Refusal(.parameter, "parameter sha is missing")) == "claimed")
        let stored = try #require(try await journal.find(refused.jobID))
        #expect(stored.status == .refused)
        #expect(stored.reason == .parameter)
        #expect(stored.error == "parameter sha is missing")
        #expect(stored.finishedAt == Samples.now)
        let good = Samples.event("e1")
        #expect(try await claim(good) == "claimed")
        #expect(try await claim(Samples.event("e1")) == "duplicate \(good.jobID)")
        // And a refusal is written down although the event is in flight.
        let late = Samples.event("e1")
        #expect(try await claim(late, refusal: Refusal(.token, "no token")) == "claimed")
        #expect(try await claim(Samples.event("e1")) == "duplicate \(good.jobID)")
    }

    @Test func `of many claims of one event at once exactly one is the first`() async throws {
        let journal = journal
        let requests = (0..<50).map { _ in Samples.event("e1") }
        let outcomes = try await withThrowingTaskGroup(of: (String, String).self) { group in
            for request in requests {
                group.addTask { (request.jobID, try await journal.claim(Samples.claim(request)).text) }
            }
            return try await group.reduce(into: [(String, String)]()) { $0.append($1) }
        }
        let winners = outcomes.filter { $0.1 == "claimed" }
        #expect(outcomes.count == 50)
        #expect(winners.count == 1)
        let winner = try #require(winners.first).0
        #expect(outcomes.count { $0.1 == "duplicate \(winner)" } == 49)
        #expect(try await journal.list(JobFilter(), limit: 100).count == 1)
    }

    @Test func `of one envelope sent many times at once exactly one is claimed`() async throws {
        let (journal, request) = (journal, Samples.event("e1"))
        let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { try await journal.claim(Samples.claim(request)).text } }
            return try await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == "claimed" } == 1)
        #expect(outcomes.count { $0 == "known \(request.jobID)" } == 49)
    }

    @Test func `two executors on one file agree who claimed`() async throws {
        let other = try Samples.journal("\(folder.path)/journal.db")
        let request = Samples.event("e1")
        #expect(try await claim(request) == "claimed")
        #expect(try await other.claim(Samples.claim(Samples.event("e1"))).text == "duplicate \(request.jobID)")
    }
}

@Suite struct JournalClockTests {
    @Test func `an event runs once although the clock was set back between its attempts`() async throws {
        let folder = try TemporaryFolder()
        let journal = try Samples.journal("\(folder.path)/journal.db")
        let first = Samples.event("e1", attempt: 1)
        #expect(try await journal.claim(Samples.claim(first)).text == "claimed")
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        let second = Samples.event("e1", attempt: 2)
        #expect(try await journal.claim(Samples.claim(second, at: Samples.now - 5000)).text == "claimed")
        let again = Samples.event("e1", attempt: 2)
        #expect(try await journal.claim(Samples.claim(again, at: Samples.now - 4000)).text == "duplicate \(second.jobID)")
    }
}
