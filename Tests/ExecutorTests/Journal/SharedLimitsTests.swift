#if PostgreSQL
    import JobProtocol
    import ProtocolMessages
    import Synchronization
    import TestSupport
    import Testing

    @testable import Executor

    /// What holds among all executors of a shared journal: lanes, places and rates.
    @Suite(.timeLimit(.minutes(2))) struct SharedLimitsTests {
        private let bed = JournalBed()
        private let one: any SharedJournal
        private let other: any SharedJournal

        init() throws {
            one = try #require(try bed.open(.postgreSQL, "one").shared)
            other = try #require(try bed.open(.postgreSQL, "other").shared)
        }

        private func sql(_ text: String) throws { try PostgreSQLServer.shared.get().sql(text, in: bed.target().database) }

        private func places(_ limits: [String: Int]) -> [SharedPlace] { limits.map { SharedPlace(key: $0.key, limit: $0.value) } }

        /// Claims a job that could begin here; where it stands in a word.
        private func claim(
            _ request: WireJobRequest, on journal: any SharedJournal, lane: (String, Int)? = nil, _ places: [String: Int] = [:],
            rate: TokenBucket.Rate? = nil
        ) async throws -> String {
            var claim = try Samples.claim(request, status: .running)
            claim.limits = SharedLimits(lane: lane, places: self.places(places), rate: rate, waiting: [])
            let outcome = try await journal.claim(claim)
            return if case .claimed(let standing) = outcome { "\(standing)" } else { outcome.text }
        }

        @Test func `so many jobs hold a place at once as its limit says, whichever executors run them`() async throws {
            let jobs = (0..<4).map { Samples.event("e\($0)") }
            #expect(try await claim(jobs[0], on: one, ["job": 2]) == "holds")
            #expect(try await claim(jobs[1], on: other, ["job": 2]) == "holds")
            #expect(try await claim(jobs[2], on: one, ["job": 2]) == "entered")
            #expect(try await other.find(jobs[2].jobID)?.status == .accepted)
            #expect(try await other.find(jobs[1].jobID)?.status == .running)
            #expect(try await one.granted([jobs[2].jobID]).isEmpty)
            #expect(try await claim(jobs[3], on: other, ["job": 2]) == "entered")
            try await other.finish(jobs[1].jobID, Samples.result(jobs[1], .succeeded))
            #expect(try await other.granted([jobs[3].jobID]).isEmpty, "it came later")
            #expect(try await one.granted([jobs[2].jobID]) == [jobs[2].jobID])
            try await one.postpone(jobs[0].jobID, attempt: 2, until: Samples.now, Samples.result(jobs[0], .failed))
            #expect(try await other.granted([jobs[3].jobID]) == [jobs[3].jobID])
            #expect(try await other.granted([jobs[3].jobID]) == [jobs[3].jobID], "it is told as often as it is asked")
            #expect(try await !one.enter(jobs[0].jobID, places(["job": 2])))
        }

        @Test func `of several places a job takes all or none, and nobody overtakes on one it waits for`() async throws {
            let jobs = (0..<4).map { Samples.event("e\($0)") }
            #expect(try await claim(jobs[0], on: one, ["host": 1]) == "holds")
            #expect(try await claim(jobs[1], on: other, ["host": 1, "job": 1]) == "entered")
            #expect(try await claim(jobs[2], on: one, ["job": 1]) == "entered")
            #expect(try await one.granted([jobs[2].jobID]).isEmpty)
            #expect(try await claim(jobs[3], on: one, ["another": 1]) == "holds")
            try await one.finish(jobs[0].jobID, Samples.result(jobs[0], .succeeded))
            #expect(try await one.granted([jobs[2].jobID]).isEmpty)
            #expect(try await other.granted([jobs[1].jobID]) == [jobs[1].jobID])
            // Who gives up does not hold up the others.
            try await other.finish(jobs[1].jobID, Samples.result(jobs[1], .failed))
            #expect(try await one.granted([jobs[2].jobID]) == [jobs[2].jobID])
        }

        @Test func `jobs of a lane have it in the order of their claims, and no more wait than it says`() async throws {
            let jobs = (0..<4).map { Samples.event("e\($0)") }
            #expect(try await claim(jobs[0], on: one, lane: ("lane/a", 2), ["host": 9]) == "holds")
            #expect(try await claim(jobs[1], on: other, lane: ("lane/a", 2), ["host": 9]) == "outside")
            #expect(try await claim(jobs[2], on: one, lane: ("lane/a", 2), ["host": 9]) == "outside")
            #expect(try await claim(jobs[3], on: other, lane: ("lane/a", 2), ["host": 9]).hasPrefix("busy"))
            #expect(try await other.find(jobs[3].jobID) == nil)
            #expect(try await claim(jobs[3], on: other, lane: ("lane/b", 2), ["host": 9]) == "holds")
            // Between two attempts it keeps its lane.
            try await one.postpone(jobs[0].jobID, attempt: 2, until: Samples.now, Samples.result(jobs[0], .failed))
            #expect(try await Set(one.heads(jobs.map(\.jobID))) == [jobs[0].jobID, jobs[3].jobID])
            #expect(try await one.enter(jobs[0].jobID, places(["host": 1])) == false)
            try await one.finish(jobs[0].jobID, Samples.result(jobs[0], .succeeded))
            #expect(try await one.heads([jobs[2].jobID]).isEmpty)
            #expect(try await other.heads([jobs[1].jobID]) == [jobs[1].jobID])
            try await other.finish(jobs[1].jobID, Samples.result(jobs[1], .failed))
            #expect(try await one.heads([jobs[2].jobID]) == [jobs[2].jobID])
        }

        @Test func `jobs of a name begin as often as its rate says, and a duplicate is none`() async throws {
            let rate = TokenBucket.Rate(count: 2, period: .seconds(3600), burst: 2)
            let first = Samples.event("e0")
            #expect(try await claim(first, on: one, rate: rate) == "inLane")
            #expect(
                try await claim(Samples.event("e0") { $0.jobID = Samples.event("again").jobID }, on: other, rate: rate)
                    == "duplicate \(first.jobID)")
            #expect(try await claim(Samples.event("e1"), on: other, rate: rate) == "inLane")
            #expect(try await claim(Samples.event("e2"), on: one, rate: rate).hasPrefix("busy"))
            try sql("UPDATE sallyport.rate SET full_at = full_at - 1800 * 1000000::bigint")
            #expect(try await claim(Samples.event("e2"), on: other, rate: rate) == "inLane")
            #expect(try await claim(Samples.event("e3"), on: one, rate: rate).hasPrefix("busy"))
        }

        @Test func `places of an executor that is gone are free for the others`() async throws {
            let (gone, next, again) = (Samples.event("gone"), Samples.event("next"), Samples.event("again"))
            #expect(try await claim(gone, on: one, ["job": 1]) == "holds")
            #expect(try await claim(next, on: other, ["job": 1]) == "entered")
            try sql(
                """
                UPDATE sallyport.executor SET since = now() - interval '1 min', alive_until = now() + interval '1 min';
                UPDATE sallyport.executor SET alive_until = now() - interval '1 s' WHERE name = 'sallyport/one'
                """)
            #expect(try await other.adopt().map(\.id) == [gone.jobID])
            #expect(try await other.granted([next.jobID]) == [next.jobID])
            // One that starts again has none of before, either.
            #expect(try await claim(again, on: other, ["host": 1]) == "holds")
            let reopened = try #require(try bed.reopen(.postgreSQL, "other").shared)
            #expect(try await reopened.enter(Samples.event("e").jobID, places(["host": 1, "job": 1])))
        }

        @Test func `a limit holds when two executors' jobs come at once, and each gets its turn`() async throws {
            let (one, other) = (one, other)
            let (all, lane) = (Holders(), Holders())
            try await withThrowingTaskGroup { group in
                for number in 0..<60 {
                    let journal = number.isMultiple(of: 2) ? one : other
                    let inLane = number.isMultiple(of: 3)
                    group.addTask {
                        let request = Samples.event("e\(number)")
                        try await turn(of: request, on: journal, inLane: inLane, ["job": 3, "host/\(number % 4)": 1])
                        all.enter()
                        if inLane { lane.enter() }
                        try await Task.sleep(for: .milliseconds(5))
                        all.leave()
                        if inLane { lane.leave() }
                        try await journal.finish(request.jobID, Samples.result(request, .succeeded))
                    }
                }
                try await group.waitForAll()
            }
            #expect(all.most <= 3 && all.most > 1)
            #expect(lane.most == 1)
            #expect(try await one.list(JobFilter(status: .succeeded), limit: 100).count == 60)
        }

        /// Returns when the job holds all it needs.
        private func turn(
            of request: WireJobRequest, on journal: any SharedJournal, inLane: Bool, _ needs: [String: Int]
        ) async throws {
            var standing = try await claim(request, on: journal, lane: inLane ? ("lane/a", 99) : nil, needs)
            if standing == "outside" {
                while try await journal.heads([request.jobID]).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
                standing = try await journal.enter(request.jobID, places(needs)) ? "holds" : "entered"
            }
            guard standing != "holds" else { return }
            while try await journal.granted([request.jobID]).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        }

        /// How many there are, now and at most.
        private final class Holders: Sendable {
            private let counts = Mutex((now: 0, most: 0))
            var most: Int { counts.withLock { $0.most } }
            func enter() { counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
            func leave() { counts.withLock { $0.now -= 1 } }
        }

        @Test func `who listens hears of what another has finished`() async throws {
            let (heard, request) = (Heard(), Samples.event("e1"))
            other.listen { heard.told($0) }
            while !heard.isListening { try await Task.sleep(for: .milliseconds(20)) }
            #expect(try await claim(request, on: one) == "inLane")
            try await one.finish(request.jobID, Samples.result(request, .succeeded))
            while !heard.has(.left(request.jobID)) { try await Task.sleep(for: .milliseconds(20)) }
        }

        @Test func `news of more jobs than one notification holds are heard all the same`() async throws {
            let (heard, jobs) = (Heard(), (0..<400).map { _ in JournalNews.left(Samples.event("e").jobID) })
            other.listen { heard.told($0) }
            while !heard.isListening { try await Task.sleep(for: .milliseconds(20)) }
            try PostgreSQLNews.tell(jobs, by: PostgreSQLConnection(bed.target()))
            while !jobs.allSatisfy(heard.has) { try await Task.sleep(for: .milliseconds(20)) }
        }

        /// What a listener was told.
        private final class Heard: Sendable {
            private let news = Mutex<[JournalNews]?>(nil)

            var isListening: Bool { news.withLock { $0 != nil } }
            func has(_ one: JournalNews) -> Bool { news.withLock { $0?.contains(one) == true } }
            func told(_ more: [JournalNews]) { news.withLock { $0 = ($0 ?? []) + more } }
        }
    }
#endif
