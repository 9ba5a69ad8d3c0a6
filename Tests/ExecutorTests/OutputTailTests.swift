import JobProtocol
import Testing

@testable import Executor

@Suite struct OutputTailTests {
    @Test func `what was written comes back from any position, in order, with its stream and destination`() {
        var tail = OutputTail()
        tail.append("web-1", .stdout, Array("out".utf8))
        tail.append("web-1", .stderr, Array("err".utf8))
        tail.append("web-2", .stderr, Array("two".utf8))
        #expect(tail.position == 9)
        let first = tail.piece(at: 0, limit: 100)
        #expect(first == .init(destination: "web-1", stream: .stdout, position: 0, data: Array("out".utf8)))
        #expect(tail.piece(at: 3, limit: 100)?.stream == .stderr)
        #expect(tail.piece(at: 8, limit: 100) == .init(destination: "web-2", stream: .stderr, position: 8, data: Array("o".utf8)))
        #expect(tail.piece(at: 9, limit: 100) == nil)
        #expect(tail.piece(at: 1, limit: 1)?.data == Array("u".utf8))
        #expect(tail.piece(at: 1, limit: 0) == nil)
        #expect(tail.piece(at: 1, limit: -64) == nil)
    }

    @Test func `small pieces of one stream grow together`() {
        var tail = OutputTail()
        for byte in 0..<100 { tail.append("web-1", .stdout, [UInt8(byte)]) }
        #expect(tail.piece(at: 0, limit: 1000)?.data == Array(0..<100))
    }

    @Test(arguments: [1, 63, 4096, 70_000, 200_000])
    func `however much is written, no more is kept than the limit, and the last bytes are among it`(size: Int) throws {
        var tail = OutputTail()
        for round in 0..<200 {
            tail.append("web-1", round.isMultiple(of: 2) ? .stdout : .stderr, [UInt8](repeating: UInt8(round), count: size))
        }
        #expect(tail.position == UInt64(200 * size))
        var (position, cost): (UInt64, Int) = (0, 0)
        var last: UInt8?
        while let piece = tail.piece(at: position, limit: .max) {
            cost += WatchLimits.cost(ofBytes: piece.data.count)
            #expect(piece.data.count <= Frames.maximumChunk)
            position = piece.end
            last = piece.data.last
        }
        #expect(position == tail.position)
        #expect(last == 199)
        #expect(cost <= OutputTail.limit)
        #expect(cost > OutputTail.limit / 4 || size < 63)
    }
}
