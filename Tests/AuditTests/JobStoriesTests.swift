import Testing

@testable import Audit

/// What runs between the logs of several executors: what goes together is not called a gap, and what does not is.
struct JobStoriesTests {
    private typealias Kind = JobStories.Outcome.Gap.Kind

    private let one = MadeLog("one").started(1)
    private let two = MadeLog("two").started(2)
    private let three = MadeLog("three").started(3)

    /// The kinds of gaps.
    private func gaps(_ logs: MadeLog...) throws -> [Kind] { try MadeLog.together(logs).gaps.map(\.kind) }

    // What goes together.

    @Test func `jobs that begin and end in one log, in each log, join up`() throws {
        let outcome = try MadeLog.together([one.ran("a").ran("b"), two.ran("c"), three])
        #expect(outcome.gapCount == 0)
        #expect(outcome.jobs == 3)
        #expect(outcome.takeovers == 0)
        #expect(outcome.open.isEmpty)
    }

    @Test func `a job that is taken over, and over again, joins up and ends once`() throws {
        let outcome = try MadeLog.together([
            one.accepted("a").begun("a"), two.took("a", from: "one", 1).begun("a"),
            three.took("a", from: "two", 2).begun("a").ended("a"),
        ])
        #expect(outcome.gaps == [])
        #expect(outcome.jobs == 1)
        #expect(outcome.takeovers == 2)
        #expect(outcome.open.isEmpty)
    }

    @Test func `an executor that comes back may take over what it had, from itself and from others`() throws {
        // Another has begun to take its jobs over, and was gone before this one.
        #expect(try gaps(one.accepted("a").started(4).took("a", from: "one", 1).ended("a"), two) == [])
        #expect(
            try gaps(
                one.accepted("a").started(4).took("a", from: "two", 2).begun("a"), two.took("a", from: "one", 1),
                three.took("a", from: "one", 4).ended("a")) == [])
        // A start of its own name goes on with its jobs without a word.
        #expect(try gaps(one.accepted("a").started(4).begun("a").ended("a"), two) == [])
        #expect(try gaps(one.accepted("a").started(4).begun("a"), two.took("a", from: "one", 4).ended("a")) == [])
        // A start that wrote nothing has a number, too.
        #expect(try gaps(one.accepted("a"), two.took("a", from: "one", 9).ended("a")) == [])
    }

    @Test func `refused requests, duplicates and late signatures are no gaps`() throws {
        #expect(
            try gaps(
                one.decided("refused", "a").decided("duplicate", "b").ran("c").signed("c").decided("refused", "c"),
                two.decided("refused", "a").decided("duplicate", "b").decided("refused", "c")) == [])
    }

    @Test func `a job without an end is told as open, with who has it`() throws {
        let outcome = try MadeLog.together([one.accepted("a").begun("a").accepted("b"), two.took("b", from: "one", 1)])
        #expect(outcome.gapCount == 0)
        #expect(
            Set(outcome.open.map { "\($0.origin) \($0.jobs) \($0.example)" }) == ["sallyport/one 1 a", "sallyport/two 1 b"])
    }

    @Test func `what began in files that are not here is told as such`() throws {
        let cut = one.accepted("a").accepted("b").cut()
        let outcome = try MadeLog.together([cut.begun("a").ended("a"), two.took("b", from: "one", 1).ended("b")])
        #expect(outcome.gapCount == 0)
        #expect(Set(outcome.before.map { "\($0.origin) \($0.jobs)" }) == ["sallyport/one 1", "sallyport/two 1"])
        // The takeover itself may stand there.
        let other = try MadeLog.together([one.accepted("c"), two.took("c", from: "one", 1).cut().begun("c").ended("c")])
        #expect(other.gapCount == 0)
        #expect(other.before.map(\.jobs) == [1])
    }

    @Test func `logs of a version that did not record takeovers join up, and what they cannot tell is told`() throws {
        let outcome = try MadeLog.together([
            MadeLog("one").started().accepted("a"), MadeLog("two").started().begun("a").ended("a"), three.ran("b"),
        ])
        #expect(outcome.gapCount == 0)
        #expect(outcome.untold.map { "\($0.origin) \($0.jobs) \($0.example)" } == ["sallyport/two 1 a"])
        // Jobs of such an executor that a newer one takes over.
        #expect(try gaps(MadeLog("one").started().accepted("a"), two.took("a", from: "one", 1).ended("a")) == [])
        // It went over to this version before it had written anything of the job.
        let changed = try MadeLog.together([one.accepted("a"), MadeLog("two").started().started(7).begun("a").ended("a")])
        #expect(changed.gapCount == 0)
        #expect(changed.untold.map(\.jobs) == [1])
        // An older version had taken away the name of whom it was.
        let unnamed = try MadeLog.together([one.accepted("a"), two.took("a", from: nil, 1).ended("a")])
        #expect(unnamed.gapCount == 0)
        #expect(unnamed.unnamed.map(\.jobs) == [1])
    }

    // What does not.

    @Test func `a job that two logs accepted is a gap`() throws {
        #expect(try gaps(one.ran("a"), two.ran("a")) == [.acceptedTwice])
        #expect(try gaps(one.accepted("a"), two.accepted("a")) == [.acceptedTwice])
        #expect(try gaps(one.accepted("a").accepted("a").ended("a"), two) == [.acceptedTwice])
        #expect(try gaps(one.ran("a").accepted("a"), two) == [.acceptedTwice])
    }

    @Test func `a job that ended twice is a gap, in one log and in two`() throws {
        #expect(try gaps(one.accepted("a"), two.took("a", from: "one", 1).ended("a").ended("a")) == [.endedTwice])
        #expect(try gaps(one.ran("a").ended("a"), two) == [.endedTwice])
        let ends = try MadeLog.together([
            one.accepted("a"), two.took("a", from: "one", 1).ended("a"), three.took("a", from: "two", 2).ended("a"),
        ])
        #expect(ends.gaps.map(\.kind) == [.endedTwice])
        let text = try #require(ends.gaps.first).text
        #expect(text.contains("record 2 of sallyport/two") && text.contains("record 2 of sallyport/three"))
    }

    @Test func `a job that runs or ends and that no log accepted is a gap`() throws {
        #expect(try gaps(one.begun("a"), two) == [.neverAccepted])
        #expect(try gaps(one.ended("a"), two) == [.neverAccepted])
        #expect(try gaps(one.signed("a"), two) == [.neverAccepted])
        // A refusal is no acceptance.
        #expect(try gaps(one.decided("refused", "a").begun("a"), two) == [.neverAccepted])
        // Another log whose start is cut cannot have it: this one would say from whom it took it over.
        #expect(try gaps(one.ended("a"), two.ran("b").cut().ran("c")) == [.neverAccepted])
        // One of an older version would not.
        #expect(try gaps(MadeLog("one").started().ended("a"), two) == [.neverAccepted])
        #expect(try gaps(MadeLog("one").started().ended("a"), two.ran("b").cut().ran("c")) == [])
    }

    @Test func `a job that runs where it was neither accepted nor taken over is a gap`() throws {
        #expect(try gaps(one.accepted("a"), two.begun("a").ended("a")) == [.notTakenOver])
        #expect(try gaps(one.accepted("a"), two.took("a", from: "one", 1).ended("a"), three.begun("a")) == [.notTakenOver])
    }

    @Test func `a takeover from an executor whose log is not given is told with what to do`() throws {
        let outcome = try MadeLog.together([one.ran("b"), two.took("a", from: "gone", 9).ended("a")])
        #expect(outcome.gaps.map(\.kind) == [.missingLog])
        #expect(outcome.gaps.first?.text.contains("the log of sallyport/gone is not given: give its folder, too") == true)
    }

    @Test func `a takeover from an executor that did not have the job is a gap`() throws {
        // It started since, and has written what there was.
        #expect(try gaps(one.started(5), two.took("a", from: "one", 1).ended("a")) == [.neverHad])
        #expect(try gaps(one.stopped(), two.took("a", from: "one", 1).ended("a")) == [.neverHad])
        // It came to have it later than in the start that is named.
        #expect(try gaps(one.started(5).accepted("a"), two.took("a", from: "one", 1).ended("a")) == [.neverHad])
    }

    @Test func `a takeover from an executor that was killed and may have more to write says so`() throws {
        let outcome = try MadeLog.together([one, two.took("a", from: "one", 1).ended("a")])
        #expect(outcome.gaps.map(\.kind) == [.logEndsEarly])
        #expect(outcome.gaps.first?.text.contains("start it, which writes what its log lacks") == true)
    }

    @Test func `a job that two executors took over from the same start is a gap`() throws {
        #expect(
            try gaps(one.accepted("a"), two.took("a", from: "one", 1), three.took("a", from: "one", 1).ended("a"))
                == [.takenOverTwice])
    }

    @Test func `a job that was taken over although it had ended is a gap`() throws {
        #expect(try gaps(one.ran("a"), two.took("a", from: "one", 1)) == [.takenOverAfterItsEnd])
        #expect(
            try gaps(one.accepted("a"), two.took("a", from: "one", 1).ended("a"), three.took("a", from: "two", 2))
                == [.takenOverAfterItsEnd])
    }

    @Test func `a job that goes on after its end, or where it was taken away, is a gap`() throws {
        #expect(try gaps(one.ran("a").begun("a"), two) == [.goesOnAfterItsEnd])
        #expect(try gaps(one.ran("a"), two.begun("a")) == [.goesOnAfterItsEnd])
        #expect(
            try gaps(one.accepted("a").started(8).begun("a"), two.took("a", from: "one", 1).ended("a")) == [.goesOnAfterTakeover])
    }

    @Test func `a job that was left behind when others of its executor were taken over is a gap, but not at once`() throws {
        let left = one.accepted("a").accepted("b")
        #expect(try gaps(left, two.took("a", from: "one", 1).ended("a").later().ran("c")) == [.leftBehind])
        let now = try MadeLog.together([left, two.took("a", from: "one", 1).ended("a").later(JobStories.patience / 2).ran("c")])
        #expect(now.gapCount == 0)
        #expect(now.open.map(\.jobs) == [1])
        // One that it accepted in a later start.
        #expect(
            try gaps(one.accepted("a").started(4).accepted("b"), two.took("a", from: "one", 1).ended("a").later().ran("c")) == [])
    }

    @Test func `a job of an executor that stopped is a gap where another ran for long and did not take it over`() throws {
        let stopped = one.accepted("a").stopped()
        #expect(try gaps(stopped, two.later().ran("b")) == [.leftBehind])
        #expect(try gaps(stopped, two.later(JobStories.patience / 2).ran("b")) == [])
        // Nobody was there to do it.
        #expect(try gaps(stopped, MadeLog("two").later().started(2).ran("b")) == [])
        // Those with a journal of their own take nothing over.
        #expect(try gaps(MadeLog("one").started().accepted("a").stopped(), two.later().ran("b")) == [])
        // It runs again.
        #expect(try gaps(stopped.started(4), two.later().ran("b")) == [])
    }

    @Test func `each gap is told once, many are counted, and more jobs than the limits are refused`() throws {
        var log = one
        for number in 0...JobStories.maximumGaps { log = log.begun("\(number)").ended("\(number)") }
        let outcome = try MadeLog.together([log])
        #expect(outcome.gapCount == JobStories.maximumGaps + 1)
        #expect(outcome.gaps.count == JobStories.maximumGaps)
        func reading(_ log: MadeLog) throws {
            var stories = JobStories(maximumJobs: 3, maximumOpen: 2)
            try log.read(by: &stories)
        }
        #expect(throws: Never.self) { try reading(one.ran("a").ran("b").ran("c")) }
        let all = #expect(throws: AuditError.self) { try reading(one.ran("a").ran("b").ran("c").ran("d")) }
        #expect(all?.description.contains("more than 3 jobs") == true)
        #expect(throws: Never.self) { try reading(one.accepted("a").accepted("b").ended("a").accepted("c")) }
        let open = #expect(throws: AuditError.self) { try reading(one.accepted("a").accepted("b").accepted("c")) }
        #expect(open?.description.contains("more than 2 jobs that have not ended") == true)
    }
}
