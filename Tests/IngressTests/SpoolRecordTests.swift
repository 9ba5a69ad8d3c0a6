import Testing

@testable import Ingress

@Suite struct SpoolRecordTests {
    static let record = SpoolRecord(
        order: 0x0102_0304_0506_0708, generation: 3, storedAt: Samples.now, envelope: Array("envelope".utf8),
        body: Array("body".utf8))

    @Test(arguments: [nil, [], [0], Array(repeating: 7, count: 70_000)] as [[UInt8]?])
    func `what was written is read, with and without a body`(body: [UInt8]?) {
        let record = SpoolRecord(order: .max, generation: 0, storedAt: -1, envelope: [1, 2, 3], body: body)
        let bytes = record.encoded()
        #expect(SpoolRecord.find(in: bytes, at: 0) == .record(record, isDone: false, length: bytes.count))
        #expect(SpoolRecord.find(in: [9, 9] + bytes + [9], at: 2) == .record(record, isDone: false, length: bytes.count))
    }

    @Test func `cut off at any place it is unfinished, and never a record`() {
        let bytes = Self.record.encoded()
        for length in 1..<bytes.count {
            #expect(SpoolRecord.find(in: Array(bytes[..<length]), at: 0) == .incomplete, "\(length)")
        }
    }

    @Test func `one changed bit anywhere but in the state makes it damaged, or reach beyond the end`() {
        let bytes = Self.record.encoded()
        for index in bytes.indices where !(8..<12).contains(index) {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit
                if case .record = SpoolRecord.find(in: changed, at: 0) { Issue.record("byte \(index), bit \(bit)") }
            }
        }
    }

    @Test func `it is done when the state says exactly so`() {
        var bytes = Self.record.encoded()
        bytes.replaceSubrange(8..<12, with: SpoolRecord.done)
        #expect(SpoolRecord.find(in: bytes, at: 0) == .record(Self.record, isDone: true, length: bytes.count))
        for index in 8..<12 {
            var changed = bytes
            changed[index] ^= 1
            #expect(SpoolRecord.find(in: changed, at: 0) == .record(Self.record, isDone: false, length: bytes.count))
        }
    }

    @Test func `a length over the limit is damaged before anything is read, one at the limit waits for its bytes`() {
        func head(_ length: UInt32) -> [UInt8] {
            SpoolRecord.magic + SpoolRecord.waiting + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
                + [UInt8](repeating: 0, count: 32)
        }
        #expect(SpoolRecord.find(in: head(UInt32(SpoolRecord.maximumContent)), at: 0) == .incomplete)
        #expect(SpoolRecord.find(in: head(UInt32(SpoolRecord.maximumContent) + 1), at: 0) == .damaged)
    }
}

@Suite struct SpoolScanTests {
    private static func record(_ order: UInt64, body: [UInt8]? = nil) -> SpoolRecord {
        SpoolRecord(order: order, generation: 0, storedAt: 0, envelope: [1, 2, 3, 4], body: body)
    }

    private static let three = (1...3).map { record($0).encoded() }

    @Test func `records stand one behind the other`() {
        let scan = SpoolScan(Array(Self.three.joined()))
        #expect(scan.records.map(\.record.order) == [1, 2, 3])
        #expect(scan.records.map(\.offset) == [0, Self.three[0].count, 2 * Self.three[0].count])
        #expect(scan.damaged.isEmpty)
        #expect(scan.unfinished == nil)
    }

    @Test func `a segment that ends anywhere keeps what is whole and says where the rest begins`() {
        let bytes = Array(Self.three.joined())
        let size = Self.three[0].count
        for length in 0..<bytes.count {
            let scan = SpoolScan(Array(bytes[..<length]))
            #expect(scan.records.count == length / size)
            #expect(scan.damaged.isEmpty)
            #expect(scan.unfinished == (length.isMultiple(of: size) ? nil : length / size * size))
        }
    }

    @Test func `a damaged record hides none of the others, whichever byte it is`() {
        let size = Self.three[0].count
        for index in size..<(2 * size) where !((size + 8)..<(size + 12)).contains(index) {
            var bytes = Array(Self.three.joined())
            bytes[index] ^= 0xff
            let scan = SpoolScan(bytes)
            #expect(scan.records.map(\.record.order) == [1, 3], "byte \(index)")
            #expect(scan.damaged == [size..<(2 * size)], "byte \(index)")
        }
    }

    @Test func `zeros behind the last record are the tail of what was never written`() {
        let scan = SpoolScan(Self.three[0] + [UInt8](repeating: 0, count: 4096))
        #expect(scan.records.count == 1)
        #expect(scan.damaged.isEmpty)
        #expect(scan.unfinished == Self.three[0].count)
    }

    @Test func `a body that looks like a record is a body`() {
        let inner = Self.record(9).encoded()
        let scan = SpoolScan(Self.record(1, body: inner + inner).encoded() + Self.three[1])
        #expect(scan.records.map(\.record.order) == [1, 2])
    }

    @Test func `a body made to look like many records costs no more than the tries that are allowed`() {
        var bytes = Self.record(1, body: Array((0..<5000).map { _ in SpoolRecord.magic }.joined())).encoded()
        bytes[20] ^= 1
        let scan = SpoolScan(bytes + Self.three[1])
        #expect(scan.records.isEmpty)
        #expect(scan.damaged == [0..<(bytes.count + Self.three[1].count)])
    }
}
