internal import Authentication
internal import Glibc

/// One delivery as it stands on disk: the signed envelope and the body, and when it was promised.
///
/// ```
/// offset  bytes
///  0      8      magic
///  8      4      WAIT; DONE once the executor has it. Not covered by the checksum: it is written over in place
/// 12      4      length of the content, big-endian
/// 16     32      SHA-256 over the length and the content
/// 48      n      content: order (8), generation (4), stored at (8), length of the envelope (4), envelope, has body (1), body
/// ```
struct SpoolRecord: Sendable, Equatable {
    /// Where it stands among all that were promised; deliveries of one hook are handed over in this order.
    let order: UInt64
    /// How often it was signed anew. Of several records of one job the highest counts.
    let generation: UInt32
    /// When it was promised, in Unix milliseconds.
    let storedAt: Int64
    /// `SignedEnvelope`, serialised.
    let envelope: [UInt8]
    let body: [UInt8]?

    static let magic: [UInt8] = [0x89, 0x53, 0x50, 0x4f, 0x4f, 0x4c, 0x31, 0x0a]
    static let waiting: [UInt8] = Array("WAIT".utf8)
    static let done: [UInt8] = Array("DONE".utf8)
    /// Where the state stands.
    static let stateOffset = 8
    /// Bytes before the content.
    static let headBytes = 48
    /// Bytes of the content: an envelope of a frame's size, the largest body, and what stands around them.
    static let maximumContent = 64 * 1024 + 1024 * 1024 + 64

    /// What stands at a place in a segment.
    enum Found: Sendable, Equatable {
        case record(SpoolRecord, isDone: Bool, length: Int)
        /// It goes on beyond the end: it was being written when everything stopped.
        case incomplete
        /// No record, or one whose checksum is wrong.
        case damaged
    }

    /// The whole record, waiting.
    func encoded() -> [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(25 + envelope.count + (body?.count ?? 0))
        content += Self.bigEndian(order)
        content += Self.bigEndian(generation)
        content += Self.bigEndian(UInt64(bitPattern: storedAt))
        content += Self.bigEndian(UInt32(envelope.count))
        content += envelope
        content.append(body == nil ? 0 : 1)
        content += body ?? []
        let length = Self.bigEndian(UInt32(content.count))
        return Self.magic + Self.waiting + length + SHA256.hash(length + content) + content
    }

    /// Reads what begins at `offset`, and looks at nothing before its checksum is right.
    static func find(in bytes: [UInt8], at offset: Int) -> Found {
        let rest = bytes.count - offset
        let seen = min(rest, magic.count)
        guard bytes[offset..<(offset + seen)].elementsEqual(magic[..<seen]) else { return .damaged }
        guard rest >= headBytes else { return .incomplete }
        let length = Int(number(bytes, offset + 12, 4))
        guard length <= maximumContent else { return .damaged }
        guard rest >= headBytes + length else { return .incomplete }
        let content = (offset + headBytes)..<(offset + headBytes + length)
        let sum = SHA256.hash(bytes[(offset + 12)..<(offset + 16)] + bytes[content])
        guard bytes[(offset + 16)..<(offset + 48)].elementsEqual(sum), let record = SpoolRecord(bytes, content) else {
            return .damaged
        }
        // Whatever is not DONE waits: handing a job over twice does no harm, losing one does.
        let isDone = bytes[(offset + stateOffset)..<(offset + stateOffset + 4)].elementsEqual(done)
        return .record(record, isDone: isDone, length: headBytes + length)
    }

    init(order: UInt64, generation: UInt32, storedAt: Int64, envelope: [UInt8], body: [UInt8]?) {
        self.order = order
        self.generation = generation
        self.storedAt = storedAt
        self.envelope = envelope
        self.body = body
    }

    private init?(_ bytes: [UInt8], _ content: Range<Int>) {
        let begin = content.lowerBound
        guard content.count >= 25 else { return nil }
        let envelopeBytes = Int(Self.number(bytes, begin + 20, 4))
        guard content.count >= 25 + envelopeBytes else { return nil }
        let flag = begin + 24 + envelopeBytes
        guard bytes[flag] == 1 || bytes[flag] == 0 && flag + 1 == content.upperBound else { return nil }
        order = Self.number(bytes, begin, 8)
        generation = UInt32(Self.number(bytes, begin + 8, 4))
        storedAt = Int64(bitPattern: Self.number(bytes, begin + 12, 8))
        envelope = Array(bytes[(begin + 24)..<flag])
        body = bytes[flag] == 1 ? Array(bytes[(flag + 1)..<content.upperBound]) : nil
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
        bytes[offset..<(offset + count)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
