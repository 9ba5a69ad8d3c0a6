/// Reads a POSIX extended regular expression. What other dialects mean otherwise is refused, not guessed: `\d`, `(?:…)`, `a+?`,
/// a backslash inside a set.
struct PatternParser {
    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }
    private func character(_ byte: UInt8) -> String { String(decoding: [byte], as: UTF8.self) }

    mutating func parse() throws(PatternError) -> PatternTree {
        guard !bytes.isEmpty else { throw PatternError("a pattern must not be empty") }
        guard bytes.count <= AnchoredPattern.maximumLength else {
            throw PatternError("a pattern may have \(AnchoredPattern.maximumLength) bytes, this one has \(bytes.count)")
        }
        guard bytes.allSatisfy({ $0 > 0 && $0 < 0x80 }) else {
            throw PatternError("a pattern is written in ASCII; `.` and `[^…]` match the bytes of other characters")
        }
        let tree = try alternatives()
        guard current == nil else { throw PatternError("a `)` without its `(`; write \\) for the character") }
        return tree
    }

    private mutating func alternatives() throws(PatternError) -> PatternTree {
        var parts = [try sequence()]
        while current == UInt8(ascii: "|") {
            index += 1
            parts.append(try sequence())
        }
        return parts.count == 1 ? parts[0] : try PatternTree(.alternatives(parts))
    }

    private mutating func sequence() throws(PatternError) -> PatternTree {
        var parts: [PatternTree] = []
        while let byte = current, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            parts.append(try quantified(atom()))
        }
        guard !parts.isEmpty else { throw PatternError("an empty group or alternative; write (…)? for what may be absent") }
        return try PatternTree(.sequence(parts))
    }

    private mutating func atom() throws(PatternError) -> PatternTree {
        let byte = bytes[index]
        index += 1
        switch byte {
        case UInt8(ascii: "("): return try group()
        case UInt8(ascii: "["):
            var reader = PatternSetReader(bytes: bytes, index: index)
            let set = try reader.read()
            index = reader.index
            return try PatternTree(.set(set))
        case UInt8(ascii: "."): return try PatternTree(.set(.any))
        case UInt8(ascii: "\\"): return try escape()
        case UInt8(ascii: "^"), UInt8(ascii: "$"):
            throw PatternError("`^` and `$` are not needed: a pattern always is about the whole value")
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw PatternError("nothing stands before `\(character(byte))` that it could repeat")
        default: return try PatternTree(.set(ByteSet([byte])))
        }
    }

    private mutating func group() throws(PatternError) -> PatternTree {
        guard current != UInt8(ascii: "?") else { throw PatternError("`(?` is not known; a group is just (…)") }
        depth += 1
        guard depth <= AnchoredPattern.maximumDepth else {
            throw PatternError("more than \(AnchoredPattern.maximumDepth) groups inside one another")
        }
        let tree = try alternatives()
        guard current == UInt8(ascii: ")") else { throw PatternError("a `(` without its `)`; write \\( for the character") }
        index += 1
        depth -= 1
        return tree
    }

    private mutating func escape() throws(PatternError) -> PatternTree {
        guard let byte = current else { throw PatternError("a pattern ends in a backslash") }
        index += 1
        switch byte {
        case UInt8(ascii: "d"): throw PatternError("`\\d` is not known; write [0-9]")
        case UInt8(ascii: "w"): throw PatternError("`\\w` is not known; write [A-Za-z0-9_]")
        case UInt8(ascii: "s"): throw PatternError("`\\s` is not known; write a space or a set")
        case 0x30...0x39: throw PatternError("back-references are not supported: their time has no bound")
        case 0x41...0x5a, 0x61...0x7a:
            throw PatternError("`\\\(character(byte))` is not known; a backslash goes before punctuation only")
        default: return try PatternTree(.set(ByteSet([byte])))
        }
    }

    private mutating func quantified(_ tree: PatternTree) throws(PatternError) -> PatternTree {
        let result: PatternTree
        switch current {
        case UInt8(ascii: "*"): result = try PatternTree(.repeated(tree, minimum: 0, maximum: nil))
        case UInt8(ascii: "+"): result = try PatternTree(.repeated(tree, minimum: 1, maximum: nil))
        case UInt8(ascii: "?"): result = try PatternTree(.repeated(tree, minimum: 0, maximum: 1))
        case UInt8(ascii: "{"):
            let (minimum, maximum) = try interval()
            result = try PatternTree(.repeated(tree, minimum: minimum, maximum: maximum))
        default: return tree
        }
        index += 1
        if let byte = current, "*+?{".utf8.contains(byte) {
            throw PatternError("two repeats in a row, as in `+?`; use one, or group the first in (…)")
        }
        return result
    }

    /// `{m}`, `{m,}`, `{,n}`, `{m,n}`; stops at the closing brace.
    private mutating func interval() throws(PatternError) -> (Int, Int?) {
        let shape = PatternError("expected {m}, {m,} or {m,n} with whole numbers; write \\{ for the character")
        let inside = bytes[(index + 1)...].prefix { $0 != UInt8(ascii: "}") }
        let parts = inside.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        index = inside.endIndex
        guard current != nil, parts.count <= 2, inside.contains(where: { $0 != UInt8(ascii: ",") }) else { throw shape }
        var numbers: [Int?] = []
        for part in parts {
            guard part.allSatisfy({ (0x30...0x39).contains($0) }) else { throw shape }
            let number = part.isEmpty ? nil : Int(String(decoding: part, as: UTF8.self)) ?? Int.max
            guard number ?? 0 <= AnchoredPattern.maximumRepeat else {
                throw PatternError("a number in {…} must be at most \(AnchoredPattern.maximumRepeat)")
            }
            numbers.append(number)
        }
        let minimum = numbers[0] ?? 0
        let maximum = numbers.count == 1 ? minimum : numbers[1]
        guard minimum <= maximum ?? minimum else { throw PatternError("in {m,n} the first number is the smaller one") }
        return (minimum, maximum)
    }
}
