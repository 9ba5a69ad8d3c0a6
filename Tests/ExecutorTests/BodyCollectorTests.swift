import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Executor

@Suite struct BodyCollectorTests {
    private func request(_ body: [UInt8], length: Int? = nil) -> WireJobRequest {
        Samples.request {
            $0.bodyFollows = true
            $0.bodyLength = UInt64(length ?? body.count)
            $0.bodyDigest = .init(SHA256.hash(body))
        }
    }

    private func chunk(_ request: WireJobRequest, _ data: [UInt8], last: Bool = false) -> WireBodyChunk {
        .with {
            $0.jobID = request.jobID
            $0.data = .init(data)
            $0.last = last
        }
    }

    private func begun(_ requests: WireJobRequest...) throws -> BodyCollector {
        var collector = BodyCollector()
        for request in requests {
            try collector.begin(.with { $0.keyID = request.jobID }, payload: Array(request.jobID.utf8), request: request)
        }
        return collector
    }

    @Test(arguments: [[[]], [[1, 2, 3]], [[1], [], [2, 3]], [[1, 2, 3], []]] as [[[UInt8]]])
    func `chunks are put together in the order they come`(chunks: [[UInt8]]) throws {
        let body = Array(chunks.joined())
        let request = request(body)
        var collector = try begun(request)
        for data in chunks.dropLast() { #expect(try collector.add(chunk(request, data)) == nil) }
        let whole = try #require(try collector.add(chunk(request, chunks.last ?? [], last: true)))
        #expect(whole.body == body)
        #expect(whole.request == request)
        #expect(whole.payload == Array(request.jobID.utf8))
        #expect(whole.envelope.keyID == request.jobID)
    }

    @Test func `bodies of several jobs may come at once`() throws {
        let (first, second) = (request([1, 2]), request([3, 4]))
        var collector = try begun(first, second)
        #expect(try collector.add(chunk(first, [1])) == nil)
        #expect(try collector.add(chunk(second, [3])) == nil)
        #expect(try collector.add(chunk(first, [2], last: true))?.body == [1, 2])
        #expect(try collector.add(chunk(second, [4], last: true))?.body == [3, 4])
    }

    @Test func `a body is as long as announced, not a byte more or less`() throws {
        for (data, last) in [([1, 2, 3, 4], true), ([1, 2, 3, 4], false), ([1, 2], true), ([], true)] as [([UInt8], Bool)] {
            let request = request([1, 2, 3])
            var collector = try begun(request)
            #expect(throws: ProtocolError.self, "\(data)") { try collector.add(chunk(request, data, last: last)) }
        }
        let request = request([1, 2, 3])
        var collector = try begun(request)
        #expect(try collector.add(chunk(request, [1, 2, 3])) == nil)
        #expect(throws: ProtocolError.self) { try collector.add(chunk(request, [4])) }
    }

    @Test func `a body with another digest than the signed one is refused`() throws {
        let request = request([1, 2, 3])
        var collector = try begun(request)
        #expect(throws: ProtocolError.self) { try collector.add(chunk(request, [1, 2, 4], last: true)) }
        let none = Samples.request {
            $0.bodyFollows = true
            $0.bodyLength = 0
        }
        var other = try begun(none)
        #expect(throws: ProtocolError.self) { try other.add(chunk(none, [], last: true)) }
    }

    @Test func `a chunk without a request, or after the last one, is refused`() throws {
        let request = request([1])
        var collector = BodyCollector()
        #expect(throws: ProtocolError.self) { try collector.add(chunk(request, [1], last: true)) }
        collector = try begun(request)
        #expect(try collector.add(chunk(request, [1], last: true)) != nil)
        #expect(throws: ProtocolError.self) { try collector.add(chunk(request, [], last: true)) }
    }

    @Test func `a body is limited before the first byte of it has come`() throws {
        #expect(throws: Never.self) { try begun(request([], length: JobLimits.body)) }
        #expect(throws: ProtocolError.self) { try begun(request([], length: JobLimits.body + 1)) }
        let huge = Samples.request { $0.bodyLength = .max }
        #expect(throws: ProtocolError.self) { try begun(huge) }
    }

    @Test func `a body of the full length is accepted`() throws {
        let body = [UInt8](repeating: 7, count: JobLimits.body)
        let request = request(body)
        var collector = try begun(request)
        for start in stride(from: 0, to: body.count, by: Frames.maximumChunk) {
            let last = start + Frames.maximumChunk == body.count
            let whole = try collector.add(chunk(request, Array(body[start..<start + Frames.maximumChunk]), last: last))
            #expect((whole?.body == body) == last)
        }
    }

    @Test func `no more than the limit of bodies may be open, and a finished one makes room`() throws {
        var collector = BodyCollector()
        let requests = (0..<BodyCollector.maximumOpen).map { _ in request([1]) }
        for request in requests { try collector.begin(.init(), payload: [], request: request) }
        #expect(throws: ProtocolError.self) { try collector.begin(.init(), payload: [], request: request([1])) }
        #expect(try collector.add(chunk(requests[0], [1], last: true)) != nil)
        #expect(throws: Never.self) { try collector.begin(.init(), payload: [], request: request([1])) }
    }
}
