import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Synchronization
import Testing

@testable import Executor

@Suite struct JobWatchersTests {
    /// Keeps what it is told.
    private final class Sink: WatchSink {
        private let frames = Mutex<[WireFrame]>([])
        private let results = Mutex<[WireJobResult]>([])
        private let room = Mutex(true)

        var hasRoom: Bool { room.withLock { $0 } }
        func setRoom(_ value: Bool) { room.withLock { $0 = value } }
        func send(_ frame: WireFrame) { frames.withLock { $0.append(frame) } }
        func end(_ end: WireWatchEnd, result: WireJobResult?) {
            send(.with { $0.watchEnd = end })
            if let result { results.withLock { $0.append(result) } }
        }

        var all: [WireFrame] { frames.withLock { $0 } }
        var states: [WireJobState] { all.filter { if case .jobState? = $0.kind { true } else { false } }.map(\.jobState) }
        var outputs: [WireOutput] { all.filter { if case .output? = $0.kind { true } else { false } }.map(\.output) }
        var text: String { String(decoding: outputs.flatMap { [UInt8]($0.data) }, as: UTF8.self) }
        var ends: [WireWatchEnd] { all.filter { if case .watchEnd? = $0.kind { true } else { false } }.map(\.watchEnd) }
        var result: WireJobResult? { results.withLock { $0.last } }
    }

    private let watchers = JobWatchers()
    private let sink = Sink()
    private let request = Samples.request { $0.correlationID = "corr" }
    private var id: String { request.jobID }

    private func watcher(
        _ number: UInt64 = 1, follow: Bool = true, position: UInt64 = 0, credit: Int = WatchLimits.window
    ) -> Watcher {
        Watcher(
            .with {
                $0.watch = number
                $0.jobID = id
                $0.follow = follow
                $0.position = position
                $0.credit = UInt32(credit)
            }, sink: sink)
    }

    private func stored(_ status: WireJobStatus = .running, finished: Bool = false) -> StoredJob {
        StoredJob(
            request: request, digest: [1, 2, 3], ingress: "edge", body: nil, status: status, reason: .unspecified, error: "",
            attempt: 1, acceptedAt: Samples.now, finishedAt: finished ? Samples.now : nil, result: finished ? result : nil)
    }

    private var result: WireJobResult {
        .with {
            $0.jobID = id
            $0.status = .succeeded
        }
    }

    private func follow(_ watcher: Watcher) {
        watchers.join(watcher)
        watchers.admit(watcher, as: stored())
    }

    @Test func `a watcher is told where the job is, what it wrote before and since, and its end`() {
        watchers.open(id, .running, attempt: 2)
        watchers.output(id, "web-1", .stdout, Array("early ".utf8))
        follow(watcher())
        watchers.output(id, "web-1", .stdout, Array("late".utf8))
        watchers.close(id, result)
        #expect(sink.states.map(\.status) == [.running])
        #expect(sink.states.first?.attempts == 2)
        #expect(sink.states.first?.hook == "github")
        #expect(sink.text == "early late")
        #expect(sink.outputs.map(\.position) == [0, 6])
        #expect(sink.ends.map(\.outcome) == [.finished])
        #expect(sink.ends.first?.position == 10)
        #expect(sink.result?.originalJobID == id)
        #expect(sink.result?.requestDigest == .init([1, 2, 3]))
        #expect(sink.result?.correlationID == "corr")
        #expect(watchers.count == 0)
    }

    @Test func `nothing is told before the journal has said whose job it is`() {
        watchers.open(id, .running, attempt: 1)
        let watcher = watcher()
        watchers.join(watcher)
        watchers.output(id, "web-1", .stdout, Array("secret".utf8))
        watchers.state(id, .accepted, attempt: 2)
        #expect(sink.all.isEmpty)
        watchers.refuse(watcher, .notFound)
        watchers.output(id, "web-1", .stdout, Array("secret".utf8))
        watchers.close(id, result)
        #expect(sink.all.count == 1)
        #expect(sink.ends.map(\.outcome) == [.notFound])
        #expect(watchers.count == 0)
    }

    @Test func `a job that ends while the journal is asked is not missed`() {
        watchers.open(id, .running, attempt: 1)
        let watcher = watcher()
        watchers.join(watcher)
        watchers.close(id, result)
        #expect(sink.all.isEmpty)
        // The journal was read before the end was written.
        watchers.admit(watcher, as: stored())
        #expect(sink.ends.map(\.outcome) == [.finished])
        #expect(sink.result?.status == .succeeded)
        #expect(watchers.count == 0)
    }

    @Test func `a finished job is told at once, and one question about an unfinished one ends with its state`() {
        let first = watcher(1, follow: false)
        watchers.join(first)
        watchers.admit(first, as: stored(.succeeded, finished: true))
        let second = watcher(2, follow: false)
        watchers.join(second)
        watchers.admit(second, as: stored(.accepted))
        #expect(sink.ends.map(\.outcome) == [.finished, .unfinished])
        #expect(sink.states.map(\.status) == [.succeeded, .accepted])
        #expect(watchers.count == 0)
    }

    @Test func `states are told as they change`() {
        watchers.open(id, .accepted, attempt: 1)
        follow(watcher())
        watchers.state(id, .running, attempt: 1)
        watchers.state(id, .accepted, attempt: 2)
        watchers.state(id, .running, attempt: 2)
        #expect(sink.states.map(\.status) == [.accepted, .running, .accepted, .running])
        #expect(sink.states.map(\.attempts) == [1, 1, 2, 2])
    }

    @Test func `no more is sent than the credit allows, and credit goes on where it stopped`() {
        watchers.open(id, .running, attempt: 1)
        let watcher = watcher(credit: WatchLimits.cost(ofBytes: 10))
        follow(watcher)
        watchers.output(id, "web-1", .stdout, Array("0123456789abcdef".utf8))
        #expect(sink.text == "0123456789")
        watchers.credit(watcher, WatchLimits.overhead)
        #expect(sink.text == "0123456789")
        watchers.credit(watcher, 3)
        #expect(sink.text == "0123456789abc")
        watchers.credit(watcher, WatchLimits.window)
        #expect(sink.text == "0123456789abcdef")
    }

    @Test func `a watcher without credit or room misses what falls out of the tail, and never the result`() throws {
        watchers.open(id, .running, attempt: 1)
        follow(watcher(1, credit: 0))
        let (slow, other) = (watcher(2), Sink())
        sink.setRoom(false)
        follow(slow)
        let free = Watcher(
            .with {
                $0.watch = 3
                $0.jobID = id
                $0.follow = true
                $0.credit = UInt32(WatchLimits.window)
            }, sink: other)
        follow(free)
        for _ in 0..<40 {
            watchers.output(id, "web-1", .stdout, [UInt8](repeating: 1, count: 10_000))
            watchers.credit(free, WatchLimits.window)
        }
        #expect(sink.outputs.isEmpty)
        // One that keeps up has all of it.
        #expect(other.outputs.reduce(0) { $0 + $1.data.count } == 400_000)
        sink.setRoom(true)
        watchers.credit(slow, 1)
        let first = try #require(sink.outputs.first)
        #expect(first.position > 300_000)
        watchers.close(id, result)
        #expect(sink.ends.map(\.outcome) == [.finished, .finished])
        #expect(sink.ends.map(\.position) == [400_000, 400_000])
    }

    @Test func `credit never comes to more than a window`() {
        watchers.open(id, .running, attempt: 1)
        let watcher = watcher()
        follow(watcher)
        for _ in 0..<10 { watchers.credit(watcher, WatchLimits.window) }
        watchers.output(id, "web-1", .stdout, [UInt8](repeating: 1, count: 32_000))
        watchers.output(id, "web-1", .stdout, [UInt8](repeating: 1, count: 32_000))
        watchers.output(id, "web-1", .stdout, [UInt8](repeating: 1, count: 32_000))
        #expect(sink.outputs.reduce(0) { $0 + WatchLimits.cost(ofBytes: $1.data.count) } <= WatchLimits.window)
    }

    @Test func `one that leaves is told nothing more, and a reader that comes back begins where it was`() {
        watchers.open(id, .running, attempt: 1)
        let watcher = watcher()
        follow(watcher)
        watchers.output(id, "web-1", .stdout, Array("one ".utf8))
        watchers.leave(watcher)
        watchers.output(id, "web-1", .stdout, Array("two ".utf8))
        #expect(sink.text == "one ")
        follow(self.watcher(2, position: 4))
        #expect(sink.text == "one two ")
        #expect(sink.outputs.last?.position == 4)
    }

    @Test func `output of a job that nobody opened is not kept`() {
        watchers.output(id, "web-1", .stdout, [1])
        #expect(watchers.count == 0)
    }
}
