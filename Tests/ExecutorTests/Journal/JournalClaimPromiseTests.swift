import ProtocolMessages
import Testing

@testable import Executor

/// Who runs an event is decided once.
@Suite struct JournalClaimPromiseTests {
    private let bed = JournalBed()

    @Test(arguments: JournalKind.all)
    func `the same envelope again is the same job`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = Samples.event("e1")
        #expect(try await journal.claim(request) == "claimed")
        #expect(try await journal.claim(request) == "known \(request.jobID)")
        try await journal.finish(request.jobID, Samples.result(request, .failed))
        #expect(try await journal.claim(request) == "known \(request.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `a job id with other bytes is a conflict`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = Samples.event("e1")
        var other = request
        other.parameters["x"] = "y"
        #expect(try await journal.claim(request) == "claimed")
        #expect(try await journal.claim(other) == "conflict")
        other.dedupeKey = "another"
        #expect(try await journal.claim(other) == "conflict")
    }

    @Test(arguments: JournalKind.all)
    func `the same event under another job id is a duplicate, as long as its job runs and when it succeeded`(kind: JournalKind)
        async throws
    {
        let journal = try bed.open(kind)
        let first = Samples.event("e1")
        #expect(try await journal.claim(first) == "claimed")
        #expect(try await journal.claim(Samples.event("e1")) == "duplicate \(first.jobID)")
        #expect(try await journal.claim(Samples.event("e1", attempt: 2)) == "duplicate \(first.jobID)")
        try await journal.mark(first.jobID, .running, attempt: 1)
        #expect(try await journal.claim(Samples.event("e1", attempt: 3)) == "duplicate \(first.jobID)")
        try await journal.finish(first.jobID, Samples.result(first, .succeeded))
        #expect(try await journal.claim(Samples.event("e1", attempt: 4)) == "duplicate \(first.jobID)")
        #expect(try await journal.claim(Samples.event("e2")) == "claimed")
    }

    @Test(arguments: JournalKind.all)
    func `after a failure a higher attempt is claimed, once, and stands for the event from then on`(kind: JournalKind)
        async throws
    {
        let journal = try bed.open(kind)
        let first = Samples.event("e1", attempt: 1)
        #expect(try await journal.claim(first) == "claimed")
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        #expect(try await journal.claim(Samples.event("e1", attempt: 1), at: Samples.now + 1) == "duplicate \(first.jobID)")
        let second = Samples.event("e1", attempt: 2)
        #expect(try await journal.claim(second, at: Samples.now + 2) == "claimed")
        #expect(try await journal.claim(Samples.event("e1", attempt: 2), at: Samples.now + 3) == "duplicate \(second.jobID)")
        #expect(try await journal.claim(Samples.event("e1", attempt: 3), at: Samples.now + 4) == "duplicate \(second.jobID)")
        try await journal.finish(second.jobID, Samples.result(second, .succeeded))
        #expect(try await journal.claim(Samples.event("e1", attempt: 3), at: Samples.now + 5) == "duplicate \(second.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `an event id with another body contradicts, whatever became of the first and whoever asks`(kind: JournalKind)
        async throws
    {
        let journal = try bed.open(kind)
        let first = Samples.event("e1") { $0.bodyDigest = .init([1]) }
        #expect(try await journal.claim(first) == "claimed")
        let other = Samples.event("e1", attempt: 2) {
            $0.bodyDigest = .init([2])
            $0.manualRetry = true
        }
        #expect(try await journal.claim(other) == "contradiction \(first.jobID)")
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        #expect(try await journal.claim(other) == "contradiction \(first.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `of two events under one key each finds its own job, and else the newest`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        func event(_ id: String, attempt: UInt32 = 1, window: Int64 = 1000) -> WireJobRequest {
            Samples.event(id, attempt: attempt) {
                $0.dedupeKey = "the body"
                $0.dedupeWindowMs = window
            }
        }
        let first = event("e1")
        #expect(try await journal.claim(first) == "claimed")
        try await journal.finish(first.jobID, Samples.result(first, .succeeded))
        #expect(try await journal.claim(event("e2"), at: Samples.now + 999) == "duplicate \(first.jobID)")
        let second = event("e2")
        #expect(try await journal.claim(second, at: Samples.now + 1000) == "claimed")
        try await journal.finish(second.jobID, Samples.result(second, .succeeded))
        // Long after, the first is still its own duplicate, although another is the newest.
        #expect(try await journal.claim(event("e1", attempt: 9), at: Samples.now + 900_000) == "duplicate \(first.jobID)")
        #expect(try await journal.claim(event("e3"), at: Samples.now + 1999) == "duplicate \(second.jobID)")
        #expect(try await journal.claim(event("e3", window: 0), at: Samples.now + 900_000) == "duplicate \(second.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `a job of another name is nobody's duplicate, so an ingress cannot use up the events of jobs it may not ask for`(
        kind: JournalKind
    ) async throws {
        let journal = try bed.open(kind)
        var other = Samples.event("e1")
        other.job = "harmless"
        #expect(try await journal.claim(other) == "claimed")
        try await journal.finish(other.jobID, Samples.result(other, .succeeded))
        let mine = Samples.event("e1")
        #expect(try await journal.claim(mine) == "claimed")
        #expect(try await journal.claim(Samples.event("e1")) == "duplicate \(mine.jobID)")
        #expect(try await journal.claim(Samples.event("e1") { $0.job = other.job }) == "duplicate \(other.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `requests without an event are nobody's duplicates`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        #expect(try await journal.claim(Samples.request()) == "claimed")
        #expect(try await journal.claim(Samples.request()) == "claimed")
    }

    @Test(arguments: JournalKind.all)
    func `one that is expired begins nothing, but still finds its job`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = Samples.event("e1")
        #expect(try await journal.claim(request, expired: true) == "expired")
        #expect(try await journal.find(request.jobID) == nil)
        #expect(try await journal.claim(request) == "claimed")
        #expect(try await journal.claim(request, expired: true) == "known \(request.jobID)")
        #expect(try await journal.claim(Samples.event("e1"), expired: true) == "duplicate \(request.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `a refused request is on record and does not stand in the way of its event`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let refused = Samples.event("e1")
        #expect(try await journal.claim(refused, refusal: Refusal(.parameter, "parameter sha is missing")) == "claimed")
        let stored = try #require(try await journal.find(refused.jobID))
        #expect(stored.status == .refused)
        #expect(stored.reason == .parameter)
        #expect(stored.error == "parameter sha is missing")
        #expect(stored.finishedAt == Samples.now)
        let good = Samples.event("e1")
        #expect(try await journal.claim(good) == "claimed")
        #expect(try await journal.claim(Samples.event("e1")) == "duplicate \(good.jobID)")
        // And a refusal is written down although the event is in flight.
        let late = Samples.event("e1")
        #expect(try await journal.claim(late, refusal: Refusal(.token, "no token")) == "claimed")
        #expect(try await journal.claim(Samples.event("e1")) == "duplicate \(good.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `of many claims of one event at once exactly one is the first`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let requests = (0..<50).map { _ in Samples.event("e1") }
        let outcomes = try await withThrowingTaskGroup(of: (String, String).self) { group in
            for request in requests {
                group.addTask { (request.jobID, try await journal.claim(request)) }
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

    @Test(arguments: JournalKind.all)
    func `of one envelope sent many times at once exactly one is claimed`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let request = Samples.event("e1")
        let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { try await journal.claim(request) } }
            return try await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == "claimed" } == 1)
        #expect(outcomes.count { $0 == "known \(request.jobID)" } == 49)
    }

    @Test(arguments: JournalKind.all)
    func `two executors on one journal agree who claimed`(kind: JournalKind) async throws {
        let (one, other) = (try bed.open(kind, "one"), try bed.open(kind, "other"))
        let request = Samples.event("e1")
        #expect(try await one.claim(request) == "claimed")
        #expect(try await other.claim(Samples.event("e1")) == "duplicate \(request.jobID)")
        #expect(try await other.claim(request) == "known \(request.jobID)")
    }

    @Test(arguments: JournalKind.all)
    func `of many claims of many events at two executors at once each event is claimed once`(kind: JournalKind) async throws {
        let executors = (try bed.open(kind, "one"), try bed.open(kind, "other"))
        // Each in an order of its own.
        let events = (0..<40).map { "e\($0)" }
        let outcomes = try await withThrowingTaskGroup(of: (event: String, text: String).self) { group in
            for round in 0..<4 {
                let journal = round % 2 == 0 ? executors.0 : executors.1
                for event in round % 2 == 0 ? events : events.reversed() {
                    group.addTask { (event, try await journal.claim(Samples.event(event))) }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for event in events {
            let texts = outcomes.filter { $0.event == event }.map(\.text)
            #expect(texts.count { $0 == "claimed" } == 1, "\(event)")
            #expect(Set(texts).count == 2, "all others are duplicates of that one")
        }
        #expect(try await executors.0.list(JobFilter(), limit: 100).count == 40)
    }

    @Test(arguments: JournalKind.all)
    func `an event runs once although the clock was set back between its attempts`(kind: JournalKind) async throws {
        let journal = try bed.open(kind)
        let first = Samples.event("e1", attempt: 1)
        #expect(try await journal.claim(first) == "claimed")
        try await journal.finish(first.jobID, Samples.result(first, .failed))
        let second = Samples.event("e1", attempt: 2)
        #expect(try await journal.claim(second, at: Samples.now - 5000) == "claimed")
        #expect(try await journal.claim(Samples.event("e1", attempt: 2), at: Samples.now - 4000) == "duplicate \(second.jobID)")
    }
}
