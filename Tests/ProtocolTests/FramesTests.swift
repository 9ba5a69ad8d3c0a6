import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Testing

@Suite struct FramesTests {
    private func payload(of bytes: [UInt8]) throws -> ArraySlice<UInt8> {
        var buffer = FrameBuffer()
        buffer.append(bytes)
        return try #require(try buffer.next())
    }

    private func chunk(_ count: Int) -> WireFrame {
        .with { $0.bodyChunk = .with { $0.data = .init(repeating: 1, count: count) } }
    }

    @Test func `a frame of each socket is read as it was written`() throws {
        let job = WireFrame.with { $0.accepted = .with { $0.envelope.keyID = "a" } }
        #expect(try Frames.decodeJobFrame(payload(of: Frames.encode(job))) == job.kind)
        let worker = WireWorkerFrame.with { $0.cancel = .with { $0.leaseID = 9 } }
        #expect(try Frames.decodeWorkerFrame(payload(of: Frames.encode(worker))) == worker.kind)
        let request = WireAdminRequest.with { $0.showJob = .with { $0.id = "b" } }
        #expect(try Frames.decodeAdminRequest(payload(of: Frames.encode(request))) == request.kind)
        let answer = WireAdminResponse.with { $0.error = .with { $0.message = "c" } }
        #expect(try Frames.decodeAdminResponse(payload(of: Frames.encode(answer))) == answer.kind)
    }

    @Test func `a frame is written up to the limit, and not with one byte more`() throws {
        // Two tags and two lengths of three bytes stand around the data.
        let full = 64 * 1024 - 8
        let bytes = try Frames.encode(chunk(full))
        #expect(bytes.count == 4 + 64 * 1024)
        #expect(Array(bytes.prefix(4)) == [0, 1, 0, 0])
        #expect(try payload(of: bytes).count == 64 * 1024)
        #expect(ProtocolError.Code.of { try Frames.encode(chunk(full + 1)) } == .frameTooLarge)
    }

    @Test func `the largest piece of a body or of output fits with the longest names around it`() throws {
        let data = [UInt8](repeating: 0, count: Frames.maximumChunk)
        let id = String(repeating: "f", count: 36)
        let body = WireFrame.with {
            $0.bodyChunk.jobID = id
            $0.bodyChunk.data = .init(data)
            $0.bodyChunk.last = true
        }
        let output = WireFrame.with {
            $0.output.jobID = id
            $0.output.destination = String(repeating: "h", count: JobLimits.name)
            $0.output.stream = .stderr
            $0.output.data = .init(data)
        }
        #expect(throws: Never.self) { try Frames.encode(body) }
        #expect(throws: Never.self) { try Frames.encode(output) }
    }

    @Test func `a request that keeps every limit fits into a frame, signed`() throws {
        let name = String(repeating: "n", count: JobLimits.name)
        var request = WireJobRequest()
        request.jobID = Random.uuidV7()
        request.hook = name
        request.job = name
        request.destination = name
        request.identity = name
        request.eventID = String(repeating: "e", count: JobLimits.eventID)
        request.correlationID = String(repeating: "c", count: JobLimits.correlationID)
        request.traceparent = String(repeating: "t", count: JobLimits.correlationID)
        request.parentSpan = name
        request.dedupeKey = String(repeating: "d", count: JobLimits.name)
        request.token = String(repeating: "j", count: JobLimits.token)
        request.bodyDigest = .init(repeating: 1, count: 32)
        request.bodyLength = UInt64(JobLimits.body)
        request.bodyFollows = true
        (request.issuedAtMs, request.expiresAtMs, request.waitUntilMs) = (.max, .max, .max)
        let each = JobLimits.parameterBytes / JobLimits.parameters
        for index in 0..<JobLimits.parameters {
            let key = String(repeating: "p", count: JobLimits.name - 2) + String(index + 10)
            request.parameters[key] = String(repeating: "v", count: each - key.utf8.count)
        }
        #expect(request.parameters.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } == JobLimits.parameterBytes)
        let envelope = try Envelope.seal(
            request.serializedBytes(), as: .jobRequest, keyID: String(repeating: "k", count: Envelope.maximumKeyID),
            key: .generate())
        #expect(throws: Never.self) { try Frames.encode(.with { $0.submit.envelope = envelope } as WireFrame) }
    }

    @Test func `a frame that is cut anywhere is malformed`() throws {
        let frame = WireFrame.with { frame in
            frame.submit.envelope = .with {
                $0.payloadType = "type"
                $0.payload = .init([1, 2, 3])
                $0.keyID = "key"
                $0.signature = .init(repeating: 5, count: 64)
            }
        }
        let whole = try payload(of: Frames.encode(frame))
        #expect(ProtocolError.Code.of { try Frames.decodeJobFrame(whole) } == nil)
        for count in 0..<whole.count {
            #expect(ProtocolError.Code.of { try Frames.decodeJobFrame(whole.prefix(count)) } == .malformed, "\(count) bytes")
        }
    }

    @Test(
        arguments: [
            [], [0x00], [0xff, 0xff, 0xff], Array("GET / HTTP/1.1\r\n".utf8), [0x0a, 0x7f],
            // Field 100, which no frame has.
            [0xa2, 0x06, 0x00],
            // A group that never ends.
            [0x0b, 0x0b, 0x0b],
            // Text that is not UTF-8 as a hello's key id.
            [0x0a, 0x03, 0x1a, 0x01, 0xff],
            // The length of a member runs past 64 bits.
            [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ] as [[UInt8]])
    func `what is no frame is malformed`(bytes: [UInt8]) {
        #expect(ProtocolError.Code.of { try Frames.decodeJobFrame(bytes[...]) } == .malformed)
    }

    @Test func `what is no frame is malformed on the other sockets too`() {
        for bytes: [UInt8] in [[], [0xff, 0xff, 0xff], [0xa2, 0x06, 0x00]] {
            #expect(ProtocolError.Code.of { try Frames.decodeWorkerFrame(bytes[...]) } == .malformed)
            #expect(ProtocolError.Code.of { try Frames.decodeAdminRequest(bytes[...]) } == .malformed)
            #expect(ProtocolError.Code.of { try Frames.decodeAdminResponse(bytes[...]) } == .malformed)
        }
    }
}
