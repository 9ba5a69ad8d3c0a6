internal import JSON

/// Reads `application/x-www-form-urlencoded` (WHATWG URL Standard, section 5.1), more strictly than a browser's server would.
///
/// A field is a member with a string; a name that repeats has an array of them, in their order.
enum URLEncodedForm {
    /// Fields of one body.
    static let maximumFields = 1000
    /// Bytes of a field's name, after decoding. A value may be as long as the body.
    static let maximumName = 1024

    /// - Throws: ``PayloadError`` for a `%` without its two digits, what is not UTF-8, a NUL, and what is beyond a limit.
    static func read(_ bytes: [UInt8]) throws(PayloadError) -> JSONValue {
        var fields = FieldCollector()
        var count = 0
        var start = 0
        while start <= bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "&")) ?? bytes.count
            if end > start {
                count += 1
                guard count <= maximumFields else { throw PayloadError("more than \(maximumFields) fields", at: start) }
                let mark = bytes[start..<end].firstIndex(of: UInt8(ascii: "=")) ?? end
                let name = try decode(bytes, start..<mark)
                guard name.utf8.count <= maximumName else {
                    throw PayloadError("a field's name of more than \(maximumName) bytes", at: start)
                }
                fields.add(name, .string(try decode(bytes, min(mark + 1, end)..<end)))
            }
            start = end + 1
        }
        return .object(JSONObject(fields.members))
    }

    private static func decode(_ bytes: [UInt8], _ range: Range<Int>) throws(PayloadError) -> String {
        let decoded = try decoded(bytes, range)
        do throws(PayloadError) {
            return try PayloadText.text(decoded, 0..<decoded.count)
        } catch {
            // Where in the body is not known once it is decoded: the field's begin is near enough.
            throw PayloadError(error.message, at: range.lowerBound)
        }
    }

    /// Percent-decoded (RFC 3986 section 2.1), `+` as a space.
    ///
    /// - Throws: ``PayloadError`` for a `%` without its two digits.
    static func decoded(_ bytes: [UInt8], _ range: Range<Int>) throws(PayloadError) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            switch bytes[index] {
            case UInt8(ascii: "+"): decoded.append(0x20)
            case UInt8(ascii: "%"):
                guard index + 2 < range.upperBound, let high = hexadecimal(bytes[index + 1]),
                    let low = hexadecimal(bytes[index + 2])
                else { throw PayloadError("a % without two hexadecimal digits", at: index) }
                decoded.append(high << 4 | low)
                index += 2
            default: decoded.append(bytes[index])
            }
            index += 1
        }
        return decoded
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
