import Authentication
import JobProtocol
import NIOCore
import NIOEmbedded
import NIOHTTP1
import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Ingress

/// A reader's stream, with its executor played by hand.
@Suite struct EventStreamTests {
    private let bench: WatchBench
    private let reader = Reader()

    init() throws { bench = try WatchBench() }

    /// The connection of whoever reads.
    private final class Reader {
        var isWritable = true
        var text = ""
        var isEnded = false
        var isAborted = false

        var writer: EventStream.Writer {
            EventStream.Writer(
                isWritable: { self.isWritable }, write: { self.text += String(buffer: $0) }, end: { self.isEnded = true },
                abort: { self.isAborted = true })
        }
    }

    /// A stream of a job that runs, not attached yet.
    private func stream(_ streams: EventStreams, reader: JobReader = .all) throws -> EventStream? {
        var begun: EventStreams.Begun?
        streams.begin(
            .init(jobID: bench.jobID, reader: reader), on: bench.loop, onEnd: { self.ends.append($0) }, done: { begun = $0 })
        let watch = try bench.asked()
        try bench.say(.state(watch, hook: "github"))
        guard case .stream(let stream)? = begun else { return nil }
        return stream
    }

    private final class Ends { var all: [WireJobStatus] = []; func append(_ status: WireJobStatus) { all.append(status) } }
    private let ends = Ends()

    @Test func `a stream tells states, output and the result, and then ends`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        let stream = try #require(try stream(streams))
        #expect(streams.count == 1)
        stream.attach(reader.writer)
        try bench.say(.output(1, "hello\n", at: 0))
        try bench.finish(1)
        #expect(reader.isEnded)
        let names = reader.text.split(separator: "\n").filter { $0.hasPrefix("event: ") }
        #expect(names == ["event: state", "event: output", "event: result"])
        #expect(reader.text.contains(#""text":"hello\n""#))
        #expect(reader.text.contains(#""statusCode":200"#))
        #expect(ends.all == [.succeeded])
        #expect(streams.count == 0)
        #expect(bench.watches.count == 0)
    }

    @Test func `a slow reader holds back credit, misses what is marked, and has the result`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        let stream = try #require(try stream(streams))
        reader.isWritable = false
        stream.attach(reader.writer)
        let piece = String(repeating: "x", count: 30_000)
        try bench.say(.output(1, piece, at: 0))
        try bench.say(.output(1, piece, at: 30_000))
        #expect(bench.credits() == 0)
        // The executor has dropped what came meanwhile, and the end comes before the reader reads.
        try bench.finish(1, position: 90_000)
        #expect(!reader.isEnded)
        #expect(streams.count == 0)
        reader.isWritable = true
        stream.drain()
        #expect(reader.isEnded)
        #expect(reader.text.contains(#"{"dropped":30000}"#))
        #expect(reader.text.contains("event: result"))
        #expect(bench.metrics.droppedOutput.value == 30_000)
    }

    @Test func `what was read is credited, and what is not read is not`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        let stream = try #require(try stream(streams))
        stream.attach(reader.writer)
        var position = 0
        for _ in 0..<10 {
            try bench.say(.output(1, String(repeating: "x", count: 30_000), at: UInt64(position)))
            position += 30_000
        }
        #expect(bench.credits() >= 9 * 30_000)
        #expect(bench.credits() <= 10 * WatchLimits.cost(ofBytes: 30_000))
    }

    @Test func `a reader that leaves ends the watch and not the job`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        let stream = try #require(try stream(streams))
        stream.attach(reader.writer)
        stream.readerLeft()
        #expect(bench.watches.count == 0)
        #expect(streams.count == 0)
        #expect(bench.sent().contains { if case .unwatch? = $0.kind { true } else { false } })
        // What was on its way is no violation.
        try bench.say(.output(1, "late", at: 0))
        #expect(ends.all == [.running])
    }

    @Test func `the end of the wait is a last state with where to ask`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        let stream = try #require(try stream(streams))
        stream.attach(reader.writer)
        stream.expire()
        #expect(reader.isEnded)
        #expect(reader.text.contains(#""statusCode":202,"location":"/jobs/\#(bench.jobID)""#))
        #expect(bench.watches.count == 0)
    }

    @Test func `a job of another hook is not there`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        #expect(try stream(streams, reader: .hooks(["other"])) == nil)
        #expect(streams.count == 0)
        #expect(bench.watches.count == 0)
        #expect(try stream(streams, reader: .hooks(["other", "github"])) != nil)
    }

    @Test func `something is written every heartbeat, and a reader that takes nothing is let go`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        let stream = try #require(try stream(streams))
        stream.attach(reader.writer)
        bench.loop.advanceTime(by: EventStream.heartbeat)
        let before = reader.text
        bench.loop.advanceTime(by: EventStream.heartbeat)
        #expect(reader.text == before + EventText.heartbeat)
        reader.isWritable = false
        for _ in 1..<EventStream.patience { bench.loop.advanceTime(by: EventStream.heartbeat) }
        #expect(!reader.isAborted)
        bench.loop.advanceTime(by: EventStream.heartbeat)
        #expect(reader.isAborted)
        stream.readerLeft()
    }

    @Test func `a stream ends after its hour`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        try #require(try stream(streams)).attach(reader.writer)
        bench.loop.advanceTime(by: EventStream.longest - .seconds(1))
        #expect(!reader.isEnded)
        bench.loop.advanceTime(by: .seconds(1))
        #expect(reader.isEnded)
    }

    @Test func `as many streams as the limit begin, one more is refused, and one that ended makes room`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        var open: [EventStream] = []
        for _ in 0..<EventStreams.maximum { open.append(try #require(try stream(streams))) }
        var refusal: EventStreams.Refusal?
        let ask = {
            streams.begin(.init(jobID: self.bench.jobID, reader: .all), on: self.bench.loop, onEnd: { _ in }) {
                if case .refused(let given) = $0 { refusal = given }
            }
            self.bench.loop.run()
        }
        ask()
        #expect(refusal == .busy)
        #expect(streams.count == EventStreams.maximum)
        open.popLast()?.readerLeft()
        #expect(try stream(streams) != nil)
    }

    @Test func `an executor that does not answer in time is as one that is away`() throws {
        let streams = EventStreams(watches: bench.watches, metrics: bench.metrics)
        var refusal: EventStreams.Refusal?
        streams.begin(.init(jobID: bench.jobID, reader: .all), on: bench.loop, onEnd: { _ in }) {
            if case .refused(let given) = $0 { refusal = given }
        }
        bench.loop.advanceTime(by: EventStreams.patience)
        #expect(refusal == .away)
        #expect(streams.count == 0)
        #expect(bench.watches.count == 0)
    }

    @Test(arguments: [
        ("text/event-stream", true), ("application/json, text/event-stream;q=0.9", true), ("Text/Event-Stream", true),
        ("text/event-stream; q=0", false), ("text/event-stream;q=0.000", false), ("*/*", false), ("application/json", false),
        ("", false),
    ])
    func `events are for who asks for them`(accept: String, asked: Bool) {
        #expect(EventStreams.isAsked(HTTPHeaders([("Accept", accept)])) == asked)
    }
}
