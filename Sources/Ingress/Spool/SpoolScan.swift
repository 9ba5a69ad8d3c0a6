/// What stands in a segment: the records that are whole, and what lies between them.
struct SpoolScan {
    /// A record and where it stands.
    struct Place: Equatable {
        let offset: Int
        let length: Int
        let isDone: Bool
        let record: SpoolRecord
    }

    /// Places that are tried after a damaged one before the rest is given up: a crafted body may look like many records.
    static let maximumTries = 1024

    private(set) var records: [Place] = []
    /// Bytes that are no record.
    private(set) var damaged: [Range<Int>] = []
    /// From here on a record was being written when everything stopped; nobody was promised it.
    private(set) var unfinished: Int?

    /// Scans a whole segment. What is damaged hides nothing that stands behind it.
    init(_ bytes: [UInt8]) {
        var offset = 0
        var tries = Self.maximumTries
        while offset < bytes.count {
            if case .record(let record, let isDone, let length) = SpoolRecord.find(in: bytes, at: offset) {
                records.append(Place(offset: offset, length: length, isDone: isDone, record: record))
                offset += length
                continue
            }
            let next = Self.next(in: bytes, after: offset, tries: &tries) ?? bytes.count
            let isTail = next == bytes.count
            // A length that was changed also points beyond the end: only nothing behind it makes it the one that was being written.
            if isTail, SpoolRecord.find(in: bytes, at: offset) == .incomplete || bytes[offset...].allSatisfy({ $0 == 0 }) {
                unfinished = offset
            } else {
                damaged.append(offset..<next)
            }
            offset = next
        }
    }

    private static func next(in bytes: [UInt8], after offset: Int, tries: inout Int) -> Int? {
        let first = SpoolRecord.magic[0]
        var at = offset + 1
        while let candidate = bytes[min(at, bytes.count)...].firstIndex(of: first) {
            at = candidate + 1
            guard bytes[candidate...].starts(with: SpoolRecord.magic) else { continue }
            guard tries > 0 else { return nil }
            tries -= 1
            if case .record = SpoolRecord.find(in: bytes, at: candidate) { return candidate }
        }
        return nil
    }
}
