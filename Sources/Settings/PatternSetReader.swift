/// Reads a bracket expression, `[…]` (POSIX.1-2017, XBD 9.3.5), in the POSIX locale.
struct PatternSetReader {
    private let bytes: [UInt8]
    /// Behind the opening bracket at first, behind the closing one at the end.
    private(set) var index: Int

    init(bytes: [UInt8], index: Int) {
        self.bytes = bytes
        self.index = index
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }
    private var following: UInt8? { index + 1 < bytes.count ? bytes[index + 1] : nil }

    mutating func read() throws(PatternError) -> ByteSet {
        let isNegated = current == UInt8(ascii: "^")
        if isNegated { index += 1 }
        var set = ByteSet()
        var isFirst = true
        while let byte = current, isFirst || byte != UInt8(ascii: "]") {
            if byte == UInt8(ascii: "["), following == UInt8(ascii: ":") {
                set.formUnion(try characterClass())
            } else {
                try readRange(into: &set, isFirst: isFirst)
            }
            isFirst = false
        }
        guard current != nil else { throw PatternError("a `[` without its `]`; write \\[ for the character") }
        index += 1
        return isNegated ? set.inverted : set
    }

    private mutating func readRange(into set: inout ByteSet, isFirst: Bool) throws(PatternError) {
        if current == UInt8(ascii: "-"), !isFirst, following != UInt8(ascii: "]") {
            throw PatternError("inside […] a `-` that is no range stands first or last")
        }
        let lower = try member()
        guard current == UInt8(ascii: "-"), let after = following, after != UInt8(ascii: "]") else {
            set.insert(lower)
            return
        }
        index += 1
        let upper = try member()
        guard lower <= upper else { throw PatternError("inside […] a range goes from the smaller to the larger character") }
        set.formUnion(ByteSet(lower...upper))
    }

    private mutating func member() throws(PatternError) -> UInt8 {
        guard let byte = current else { throw PatternError("a `[` without its `]`; write \\[ for the character") }
        if byte == UInt8(ascii: "["), let after = following, ".=:".utf8.contains(after) {
            throw PatternError("collating symbols and equivalence classes are not supported inside […]")
        }
        if byte == UInt8(ascii: "\\") {
            // Elsewhere it escapes, in POSIX it stands for itself here: `[\.]` would let a backslash through.
            guard following == UInt8(ascii: "\\") else {
                throw PatternError("inside […] a backslash escapes nothing; leave it out, or write it twice to mean a backslash")
            }
            index += 1
        }
        index += 1
        return byte
    }

    private mutating func characterClass() throws(PatternError) -> ByteSet {
        let name = bytes[(index + 2)...].prefix { $0 != UInt8(ascii: ":") }
        let end = name.endIndex
        guard end + 1 < bytes.count, bytes[end + 1] == UInt8(ascii: "]"),
            let set = Self.classes[String(decoding: name, as: UTF8.self)]
        else {
            throw PatternError("expected one of " + Self.classes.keys.sorted().map { "[:\($0):]" }.joined(separator: ", "))
        }
        index = end + 2
        return set
    }

    private static let upper = UInt8(ascii: "A")...UInt8(ascii: "Z")
    private static let lower = UInt8(ascii: "a")...UInt8(ascii: "z")
    private static let digit = UInt8(ascii: "0")...UInt8(ascii: "9")
    private static let graph: ClosedRange<UInt8> = 0x21...0x7e

    private static let classes: [String: ByteSet] = [
        "alnum": ByteSet(Array(upper) + Array(lower) + Array(digit)),
        "alpha": ByteSet(Array(upper) + Array(lower)),
        "blank": ByteSet([0x20, 0x09]),
        "cntrl": ByteSet(Array(1...0x1f) + [0x7f]),
        "digit": ByteSet(digit),
        "graph": ByteSet(graph),
        "lower": ByteSet(lower),
        "print": ByteSet(0x20...0x7e),
        "punct": ByteSet(graph.filter { !upper.contains($0) && !lower.contains($0) && !digit.contains($0) }),
        "space": ByteSet([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]),
        "upper": ByteSet(upper),
        "xdigit": ByteSet("0123456789abcdefABCDEF".utf8),
    ]
}
