extension JSONValue {
    /// Reads one document.
    ///
    /// Refused beyond RFC 8259's grammar: member names that repeat, invalid UTF-8, lone surrogates, anything after the document, and
    /// more depth or values than `limits` allow.
    ///
    /// - Throws: ``JSONError`` naming what was wrong and where.
    public static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes, limits: limits)
        return try parser.document()
    }
}

/// A recursive-descent parser over an array; depth is limited, so recursion is.
private struct JSONParser {
    let bytes: [UInt8]
    let limits: JSONLimits
    var index = 0
    var depth = 0
    var values = 0

    init(bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    func error(_ message: String) -> JSONError { JSONError(message: message, offset: index) }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value()
        skipSpace()
        guard index == bytes.count else { throw error("something follows the document") }
        return value
    }

    mutating func skipSpace() {
        while index < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[index]) { index += 1 }
    }

    mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        guard index < bytes.count else { throw error("the document ends early") }
        values += 1
        guard values <= limits.values else { throw error("more than \(limits.values) values") }
        switch bytes[index] {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONError) in .object(try parser.object()) }
        case UInt8(ascii: "["): return try nested { parser throws(JSONError) in .array(try parser.array()) }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        depth += 1
        guard depth <= limits.depth else { throw error("more than \(limits.depth) levels") }
        defer { depth -= 1 }
        index += 1
        return try body(&self)
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let expected = Array("\(text)".utf8)
        guard bytes[index...].starts(with: expected) else { throw error("no value") }
        index += expected.count
        return value
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw error("no comma or end of array") }
        }
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        var members: [(name: String, value: JSONValue)] = []
        var names: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return JSONObject(members) }
        while true {
            skipSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw error("no member name") }
            let name = try string()
            // Swift compares canonically equivalent strings as equal; the stricter of the two readings is wanted here.
            guard names.insert(name).inserted else { throw error("a member name repeats") }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("no colon after a member name") }
            members.append((name, try value()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return JSONObject(members) }
            guard take(UInt8(ascii: ",")) else { throw error("no comma or end of object") }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    /// The usual string has no escape and is taken in one piece.
    private mutating func string() throws(JSONError) -> String {
        index += 1
        let start = index
        var hasEscape = false
        while true {
            guard index < bytes.count else { throw error("a string does not end") }
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") { break }
            guard byte >= 0x20 else { throw error("a control character in a string") }
            if byte == UInt8(ascii: "\\") {
                hasEscape = true
                index += 1
            }
            index += 1
        }
        let end = index
        index += 1
        let piece = bytes[start..<end]
        let text = hasEscape ? try unescaped(piece) : String(validating: piece, as: UTF8.self)
        guard let text else {
            index = start
            throw error("a string that is not UTF-8")
        }
        return text
    }

    private func unescaped(_ piece: ArraySlice<UInt8>) throws(JSONError) -> String? {
        var out: [UInt8] = []
        var at = piece.startIndex
        while at < piece.endIndex {
            guard piece[at] == UInt8(ascii: "\\") else {
                out.append(piece[at])
                at += 1
                continue
            }
            guard at + 1 < piece.endIndex else { throw JSONError(message: "an escape that does not end", offset: at) }
            at += 2
            switch piece[at - 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(piece[at - 1])
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0c)
            case UInt8(ascii: "n"): out.append(0x0a)
            case UInt8(ascii: "r"): out.append(0x0d)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"): out.append(contentsOf: try unicode(piece, &at).utf8)
            default: throw JSONError(message: "an unknown escape", offset: at - 1)
            }
        }
        return String(validating: out, as: UTF8.self)
    }

    private func unicode(_ piece: ArraySlice<UInt8>, _ at: inout Int) throws(JSONError) -> String {
        let first = try hex(piece, &at)
        var scalar = first
        if (0xd800...0xdbff).contains(first) {
            guard at + 1 < piece.endIndex, piece[at] == UInt8(ascii: "\\"), piece[at + 1] == UInt8(ascii: "u") else {
                throw JSONError(message: "a lone surrogate", offset: at)
            }
            at += 2
            let second = try hex(piece, &at)
            guard (0xdc00...0xdfff).contains(second) else { throw JSONError(message: "a lone surrogate", offset: at) }
            scalar = 0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)
        }
        guard let value = Unicode.Scalar(scalar) else { throw JSONError(message: "a lone surrogate", offset: at) }
        return String(value)
    }

    private func hex(_ piece: ArraySlice<UInt8>, _ at: inout Int) throws(JSONError) -> UInt32 {
        guard at + 4 <= piece.endIndex else { throw JSONError(message: "an escape that does not end", offset: at) }
        var value: UInt32 = 0
        for byte in piece[at..<at + 4] {
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x61 + 10)
            default: throw JSONError(message: "no hexadecimal digit in an escape", offset: at)
            }
        }
        at += 4
        return value
    }

    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = index
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return JSONNumber(text: String(decoding: bytes[start..<index], as: UTF8.self))
    }

    private mutating func digits() throws(JSONError) {
        guard index < bytes.count, (0x30...0x39).contains(bytes[index]) else { throw error("no value") }
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
    }
}
