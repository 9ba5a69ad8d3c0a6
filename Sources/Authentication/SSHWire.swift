/// Reads the data types of SSH (RFC 4251 section 5) from bytes that need not be what they say.
public struct SSHReader {
    private var rest: ArraySlice<UInt8>

    /// Reads from the start of `bytes`.
    public init(_ bytes: some Sequence<UInt8>) { rest = Array(bytes)[...] }

    /// Everything was read.
    public var isAtEnd: Bool { rest.isEmpty }

    /// One byte; nil at the end.
    public mutating func byte() -> UInt8? { rest.popFirst() }

    /// Four bytes, big-endian.
    public mutating func uint32() -> UInt32? {
        guard rest.count >= 4 else { return nil }
        let value = rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        rest = rest.dropFirst(4)
        return value
    }

    /// A string of at most `limit` bytes; the length is checked before anything is copied.
    public mutating func string(limit: Int) -> [UInt8]? {
        guard let length = uint32(), length <= limit, Int(length) <= rest.count else { return nil }
        let value = Array(rest.prefix(Int(length)))
        rest = rest.dropFirst(Int(length))
        return value
    }

    /// A string that must be UTF-8.
    public mutating func text(limit: Int) -> String? { string(limit: limit).flatMap { String(validating: $0, as: UTF8.self) } }

    /// The next `count` bytes as they are.
    public mutating func bytes(_ count: Int) -> [UInt8]? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}

/// Writes the data types of SSH.
public struct SSHWriter {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// Nothing yet.
    public init() {}

    /// Four bytes, big-endian.
    public mutating func uint32(_ value: UInt32) {
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// A length and the bytes.
    public mutating func string(_ value: some Collection<UInt8>) {
        uint32(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    /// An unsigned number, without leading zeros, with one in front when it would look negative.
    public mutating func mpint(_ value: [UInt8]) {
        let digits = value.drop { $0 == 0 }
        string((digits.first ?? 0) & 0x80 != 0 ? [0] + digits : Array(digits))
    }
}
