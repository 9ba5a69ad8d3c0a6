import Authentication
import JobProtocol
import NIOCore
import NIOEmbedded
import ProtocolMessages
import SwiftProtobuf
import Synchronization
import Testing

@testable import Ingress

@Suite struct JobWatchesTests {
    private let bench: WatchBench
    private let told = Told()

    init() throws { bench = try WatchBench() }

    private final class Told: Sendable {
        private let events = Mutex<[JobWatches.Event]>([])
        func append(_ event: JobWatches.Event) { events.withLock { $0.append(event) } }
        var names: [String] {
            events.withLock { events in
                events.map { event in
                    switch event {
                    case .state(let state, _): "state \(JobNames.name(state.status))"
                    case .output(let output, let dropped, let place):
                        "output \(String(decoding: output.data, as: UTF8.self)) -\(dropped) \(place.id)"
                    case .finished(let result, let dropped, _): "finished \(JobNames.name(result.status)) -\(dropped)"
                    case .unfinished: "unfinished"
                    case .notFound: "not found"
                    case .unavailable: "unavailable"
                    }
                }
            }
        }
    }

    @discardableResult
    private func open(follows: Bool = true, after place: EventPlace? = nil) -> JobWatches.Opened {
        let told = told
        return bench.watches.open(bench.jobID, follows: follows, after: place, on: bench.loop) { told.append($0) }
    }

    private func code(_ body: () throws -> Void) -> ProtocolError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ProtocolError)?.code
        }
    }

    @Test func `a followed job tells its states, output with what is missing, and its end`() throws {
        open()
        let number = try bench.asked()
        try bench.say(.state(number, hook: "github", status: .accepted))
        try bench.say(.state(number, hook: "github"))
        try bench.say(.output(number, "a", at: 0))
        try bench.say(.output(number, "b", at: 5))
        try bench.finish(number, position: 10)
        #expect(
            told.names == [
                "state accepted", "state running", "output a -0 01010101.1", "output b -4 01010101.6", "finished succeeded -4",
            ])
        #expect(bench.watches.count == 0)
    }

    @Test func `without an executor, or with an old one alone, nothing is asked`() throws {
        bench.watches.disconnected(bench.link)
        #expect(open() == .away)
        let old = WatchBench.link(7, bench.channel, keyID: "old", answersWatches: false)
        bench.watches.connected(old)
        #expect(open() == .tooOld)
        #expect(!bench.watches.isAnswered)
        #expect(bench.sent().isEmpty)
    }

    @Test func `each executor is asked until one has the job`() throws {
        let other = WatchBench.link(9, bench.channel, keyID: "other")
        bench.watches.connected(other)
        open(follows: false)
        let first = try bench.asked()
        try bench.say(.end(first, .notFound), by: other)
        #expect(told.names.isEmpty)
        let second = try bench.asked()
        #expect(second != first)
        try bench.say(.state(second, hook: "github"))
        try bench.say(.end(second, .unfinished))
        #expect(told.names == ["state running", "unfinished"])
        open(follows: false)
        try bench.say(.end(try bench.asked(), .notFound), by: other)
        try bench.say(.end(try bench.asked(), .notFound))
        #expect(told.names.last == "not found")
        #expect(bench.watches.count == 0)
    }

    @Test func `what nobody asked for ends the connection`() throws {
        #expect(code { try bench.say(.state(1, hook: "github")) } == .malformed)
        #expect(code { try bench.say(.output(1, "x", at: 0)) } == .malformed)
        #expect(code { try bench.say(.end(1, .notFound)) } == .malformed)
        open()
        let number = try bench.asked()
        #expect(code { try bench.say(.output(number, "before the state", at: 0)) } == .malformed)
        #expect(code { try bench.say(.state(number, hook: "github"), job: "another") } == .malformed)
        #expect(code { try bench.finish(number) } == .malformed)
        try bench.say(.state(number, hook: "github"))
        #expect(code { try bench.say(.state(number + 1, hook: "github")) } == .malformed)
        #expect(code { try bench.say(.state(number, hook: String(repeating: "x", count: 65))) } == .malformed)
        #expect(code { try bench.say(.output(number, "", at: 0)) } == .malformed)
        #expect(code { try bench.say(.output(number, "x", at: .max)) } == .malformed)
        try bench.say(.output(number, "x", at: 4))
        #expect(code { try bench.say(.output(number, "x", at: 4)) } == .malformed)
        #expect(code { try bench.say(.end(number, .unfinished)) } == .malformed)
    }

    @Test func `what executors of before send unasked is let pass`() throws {
        try bench.say(.output(0, "x", at: 0))
        #expect(told.names.isEmpty)
    }

    @Test func `a result must be signed, and be the job's`() throws {
        open()
        let number = try bench.asked()
        try bench.say(.state(number, hook: "github"))
        #expect(code { try bench.finish(number, with: try .generate()) } == .badSignature)
        #expect(code { try bench.finish(number, job: Random.uuidV7(milliseconds: 1)) } == .malformed)
        #expect(code { try bench.say(.end(number, .finished)) } == .wrongPayloadType)
        #expect(told.names == ["state running"])
        try bench.finish(number)
        #expect(told.names.last == "finished succeeded -0")
    }

    @Test func `output within the credit is taken, the first byte beyond it ends the connection`() throws {
        open()
        let number = try bench.asked()
        try bench.say(.state(number, hook: "github"))
        let room = WatchLimits.window - 3 * WatchLimits.overhead
        try bench.say(.output(number, String(repeating: "x", count: room / 2), at: 0))
        try bench.say(.output(number, String(repeating: "x", count: room - room / 2), at: UInt64(room / 2)))
        #expect(code { try bench.say(.output(number, "x", at: UInt64(room))) } == .malformed)
    }

    @Test func `a question asked once has no output`() throws {
        open(follows: false)
        let number = try bench.asked()
        try bench.say(.state(number, hook: "github"))
        #expect(code { try bench.say(.output(number, "x", at: 0)) } == .malformed)
    }

    @Test func `an executor that comes back is asked again, from the same place when it is the same process`() throws {
        open()
        try bench.say(.state(try bench.asked(), hook: "github"))
        try bench.say(.output(try bench.asked(), "abc", at: 0))
        bench.reconnect(epoch: 1)
        #expect(bench.sent().last?.watch.position == 3)
        try bench.say(.state(try bench.asked(), hook: "github"))
        bench.reconnect(epoch: 2)
        #expect(bench.sent().last?.watch.position == 0)
        try bench.say(.state(try bench.asked(), hook: "github"))
        try bench.say(.output(try bench.asked(), "new", at: 0))
        // The old connection has not ended yet.
        bench.reconnect(epoch: 2, keepingOld: true)
        #expect(bench.sent().last?.watch.position == 3)
        #expect(told.names.count { $0.hasPrefix("output") } == 2)
        #expect(told.names.last == "output new -0 02020202.3")
        #expect(bench.watches.count == 1)
    }

    @Test func `who waits for one answer is told when the executor is gone`() throws {
        open(follows: false)
        open(follows: true)
        bench.watches.disconnected(bench.link)
        bench.loop.run()
        #expect(told.names == ["unavailable", "unavailable"])
        #expect(bench.watches.count == 0)
    }

    @Test func `a reader's place counts in the run it is from`() throws {
        var place = EventPlace(epoch: [1, 1, 1, 1])
        place.position = 17
        open(after: place)
        #expect(bench.sent().last?.watch.position == 17)
        open(after: EventPlace(id: "99999999.17"))
        #expect(bench.sent().last?.watch.position == 0)
    }

    @Test func `as many questions as the limit are open, one more is refused`() {
        for _ in 0..<WatchLimits.watches { open() }
        #expect(bench.watches.count == WatchLimits.watches)
        #expect(open() == .full)
    }
}
