import JobProtocol
import Testing

@Suite struct FrameBufferTests {
    /// A frame put together by hand: four bytes of length, most significant first, and the payload.
    private func frame(_ payload: [UInt8]) -> [UInt8] { length(payload.count) + payload }

    private func length(_ count: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    }

    private func refusal(of bytes: [UInt8]) -> ProtocolError.Code? {
        var buffer = FrameBuffer()
        buffer.append(bytes)
        return .of { try buffer.next() }
    }

    @Test func `a frame that is cut in two anywhere comes out whole, and only when its last byte is there`() throws {
        let bytes = frame(Array("sallyport".utf8))
        for cut in 0..<bytes.count {
            var buffer = FrameBuffer()
            buffer.append(bytes[..<cut])
            #expect(try buffer.next() == nil, "cut at \(cut)")
            buffer.append(bytes[cut...])
            #expect(try buffer.next().map { Array($0) } == Array("sallyport".utf8), "cut at \(cut)")
            #expect(try buffer.next() == nil, "cut at \(cut)")
            #expect(buffer.count == 0)
        }
    }

    @Test func `the longest frame is accepted`() throws {
        let payload = [UInt8](repeating: 0xab, count: 64 * 1024)
        var buffer = FrameBuffer()
        buffer.append(frame(payload))
        #expect(try buffer.next().map { Array($0) } == payload)
    }

    @Test(arguments: [64 * 1024 + 1, 0x0100_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])
    func `a longer one is refused by its length, before any of it has come`(count: Int) {
        #expect(refusal(of: length(count)) == .frameTooLarge)
    }

    @Test func `a frame of one byte is accepted, one of none is refused`() throws {
        #expect(refusal(of: frame([7])) == nil)
        #expect(refusal(of: frame([])) == .frameEmpty)
    }

    @Test func `three bytes of a length that is too large are no violation yet`() {
        #expect(refusal(of: [0xff, 0xff, 0xff]) == nil)
    }

    @Test func `frames that come in one piece are given out in their order`() throws {
        var buffer = FrameBuffer()
        buffer.append(frame([1]) + frame([2, 2]) + frame([3, 3, 3]) + [0, 0])
        #expect(try buffer.next().map { Array($0) } == [1])
        #expect(try buffer.next().map { Array($0) } == [2, 2])
        #expect(try buffer.next().map { Array($0) } == [3, 3, 3])
        #expect(try buffer.next() == nil)
        #expect(buffer.count == 2)
    }

    @Test func `a long stream leaves never more than one frame behind`() throws {
        let payloads = (0..<200).map { [UInt8](repeating: UInt8($0), count: 1 + $0 * 7) }
        let stream = payloads.flatMap { frame($0) }
        var buffer = FrameBuffer()
        var seen: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: 333) {
            buffer.append(stream[start..<min(start + 333, stream.count)])
            while let payload = try buffer.next() { seen.append(Array(payload)) }
            #expect(buffer.count < 4 + 1 + 199 * 7)
        }
        #expect(seen == payloads)
        #expect(buffer.count == 0)
    }

    @Test func `after a violation nothing is given out any more`() {
        var buffer = FrameBuffer()
        buffer.append(length(0) + frame([1]))
        for _ in 0..<3 { #expect(ProtocolError.Code.of { try buffer.next() } == .frameEmpty) }
    }
}
