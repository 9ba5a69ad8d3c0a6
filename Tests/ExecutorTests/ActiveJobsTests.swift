import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Executor

@Suite struct ActiveJobsTests {
    private let active = ActiveJobs()

    private struct NoSink: ResultSink {
        func accepted(_ acceptance: WireJobAcceptance) {}
        func finished(_ result: WireJobResult) {}
    }

    private func subscriber(_ id: String = "r", until: Int64 = 0) -> Subscriber {
        let request = Samples.request {
            $0.jobID = id
            $0.waitUntilMs = until
        }
        return Subscriber(request: request, digest: [], sink: NoSink())
    }

    private func sleeper() -> Task<Void, Never> { Task {} }

    @Test func `a job is there once, and whoever waits for it is told at its end, once for each request`() {
        #expect(active.begin("a"))
        #expect(!active.begin("a"))
        #expect(active.join(subscriber("1"), to: "a") == .waits)
        #expect(active.join(subscriber("1"), to: "a") == .waits)
        #expect(active.join(subscriber("2"), to: "a") == .waits)
        #expect(active.join(subscriber("3"), to: "b") == .gone)
        #expect(active.end("a", isRecorded: true).map(\.request.jobID) == ["1", "2"])
        #expect(active.join(subscriber("3"), to: "a") == .gone)
        #expect(active.busyCount == 0)
    }

    @Test func `the age of the line is that of the job that has been in it for longest, and of no other`() throws {
        #expect(active.begin("a"))
        #expect(active.begin("b"))
        #expect(active.longestInLine == nil)
        #expect(active.move("a", to: .line({})))
        let first = try #require(active.longestInLine)
        #expect(active.move("b", to: .line({})))
        let second = try #require(active.longestInLine)
        #expect(second > first)
        #expect(active.move("a", to: .running))
        #expect(try #require(active.longestInLine) < second + .seconds(60))
        _ = active.end("b", isRecorded: true)
        #expect(active.longestInLine == nil)
    }

    @Test func `a job whose result is not recorded yet is still waited for`() {
        #expect(active.begin("a"))
        _ = active.join(subscriber("1"), to: "a")
        #expect(active.end("a", isRecorded: false).count == 1)
        #expect(active.join(subscriber("2"), to: "a") == .waits)
        #expect(active.end("a", isRecorded: true).map(\.request.jobID) == ["2"])
    }

    @Test func `who waits less long than a job pauses is told at once`() {
        #expect(active.begin("a"))
        _ = active.join(subscriber("short", until: 99), to: "a")
        _ = active.join(subscriber("long", until: 100), to: "a")
        #expect(active.takeImpatient("a", before: 100).map(\.request.jobID) == ["short"])
        #expect(active.pause("a", sleeper(), until: 100) == true)
        #expect(active.join(subscriber("late", until: 99), to: "a") == .later)
        #expect(active.join(subscriber("patient", until: 100), to: "a") == .waits)
        #expect(active.busyCount == 0)
        #expect(active.pausedCount == 1)
        #expect(active.end("a", isRecorded: true).map(\.request.jobID) == ["long", "patient"])
    }

    @Test func `a job that was cancelled goes to no other phase`() {
        #expect(active.begin("a"))
        #expect(active.move("a", to: .running))
        #expect(active.cancel("a") != nil)
        #expect(active.cancel("b") == nil)
        #expect(active.isCancelled("a") && !active.isCancelled("b"))
        #expect(!active.move("a", to: .running))
        #expect(active.pause("a", sleeper(), until: 1) == false)
    }

    @Test func `no more jobs than the limit pause`() {
        for index in 0..<ActiveJobs.maximumPaused {
            #expect(active.begin("\(index)"))
            #expect(active.pause("\(index)", sleeper(), until: 1) == true)
        }
        #expect(active.begin("more"))
        #expect(active.pause("more", sleeper(), until: 1) == nil)
        #expect(active.move("0", to: .between))
        #expect(active.pause("more", sleeper(), until: 1) == true)
    }
}
