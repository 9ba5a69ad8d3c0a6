extension JSONParser {
    /// The usual string has no escape and is taken in one piece. `index` stands at the opening quote.
    mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> String {
        index += 1
        let start = index
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return try text(bytes, from: start, to: index - 1)
            case UInt8(ascii: "\\"): return try escapedString(bytes, from: start)
            case 0..<0x20: throw error("a control character in a string")
            default: index += 1
            }
        }
        throw error("a string does not end")
    }

    /// The bytes as text, when they are UTF-8.
    func text(_ bytes: Span<UInt8>, from start: Int, to end: Int) throws(JSONError) -> String {
        do {
            return String(copying: try UTF8Span(validating: bytes.extracting(start..<end)))
        } catch {
            throw JSONError(message: "a string that is not UTF-8", offset: start)
        }
    }

    /// A string with escapes, whose first one `index` stands at. What is between them is copied and the whole validated at the
    /// end.
    private mutating func escapedString(_ bytes: Span<UInt8>, from start: Int) throws(JSONError) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(2 * (index - start))
        for position in start..<index { out.append(bytes[position]) }
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                guard let text = String(validating: out, as: UTF8.self) else {
                    throw JSONError(message: "a string that is not UTF-8", offset: start)
                }
                return text
            case UInt8(ascii: "\\"):
                index += 1
                try escape(bytes, into: &out)
            case 0..<0x20: throw error("a control character in a string")
            default:
                out.append(byte)
                index += 1
            }
        }
        throw error("a string does not end")
    }

    /// What stands behind a backslash.
    private mutating func escape(_ bytes: Span<UInt8>, into out: inout [UInt8]) throws(JSONError) {
        guard index < bytes.count else { throw error("a string does not end") }
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0c)
        case UInt8(ascii: "n"): out.append(0x0a)
        case UInt8(ascii: "r"): out.append(0x0d)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            index += 1
            out.append(contentsOf: String(try scalar(bytes)).utf8)
            return
        default: throw error("an unknown escape")
        }
        index += 1
    }

    /// Four digits, and four more where they are the second half of a pair (RFC 8259 section 7).
    private mutating func scalar(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
        let first = try hexadecimal(bytes)
        var value = first
        if (0xd800...0xdbff).contains(first) {
            guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
                throw error("a lone surrogate")
            }
            index += 2
            let second = try hexadecimal(bytes)
            guard (0xdc00...0xdfff).contains(second) else { throw error("a lone surrogate") }
            value = 0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw error("a lone surrogate") }
        return scalar
    }

    private mutating func hexadecimal(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
        guard index + 4 <= bytes.count else { throw error("an escape that does not end") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[index]
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x61 + 10)
            default: throw error("no hexadecimal digit in an escape")
            }
            index += 1
        }
        return value
    }
}
