import Testing

@testable import SSH

struct OutputCollectorTests {
    private func collect(_ bytes: [UInt8], limit: Int, pieces: Int) -> OutputCollector {
        var collector = OutputCollector(limit: limit)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            collector.append(bytes[start..<min(start + pieces, bytes.count)])
        }
        return collector
    }

    private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test(arguments: [1, 7, 100, 4096])
    func `what fits is kept as it is, to the last byte`(pieces: Int) {
        for count in [0, 1, 255, 256] {
            let all = pattern(count)
            let collector = collect(all, limit: 256, pieces: pieces)
            #expect(collector.bytes == all)
            #expect(collector.total == count)
        }
    }

    @Test(arguments: [1, 7, 100, 4096])
    func `one byte more is cut in the middle, with head, tail and a mark within the limit`(pieces: Int) {
        for count in [257, 300, 511, 512, 513, 5000] {
            let all = pattern(count)
            let collector = collect(all, limit: 256, pieces: pieces)
            let mark = Array("\n[… \(count - 208) bytes cut …]\n".utf8)
            #expect(collector.bytes == all.prefix(104) + mark + all.suffix(104))
            #expect(collector.bytes.count <= 256)
            #expect(collector.total == count)
        }
    }

    @Test func `a limit without room for the mark keeps the head`() {
        for limit in [0, 1, OutputCollector.markRoom] {
            let all = pattern(100)
            #expect(collect(all, limit: limit, pieces: 9).bytes == Array(all.prefix(limit)))
        }
    }

    @Test func `the mark of the largest count fits the room that is kept for it`() {
        #expect("\n[… \(Int.max) bytes cut …]\n".utf8.count <= OutputCollector.markRoom)
    }
}
