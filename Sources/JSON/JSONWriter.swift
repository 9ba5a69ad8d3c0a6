/// Writes compact JSON, piece by piece; commas and escapes take care of themselves. Control characters, U+2028 and U+2029 are
/// escaped, so that a document is always one line.
public struct JSONWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// An empty document.
    public init() {}

    /// `{`
    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    /// `}`
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    /// `[`
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    /// `]`
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// A member's name; its value follows.
    public mutating func name(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A string.
    public mutating func string(_ text: String) {
        separate()
        quote(text)
        needsComma = true
    }

    /// Bytes that need not be UTF-8, as a string: what is not becomes U+FFFD.
    public mutating func string(bytes raw: some Collection<UInt8>) { string(String(decoding: raw, as: UTF8.self)) }

    /// A number as it was written.
    public mutating func number(_ number: JSONNumber) { raw(number.text) }
    /// An integer.
    public mutating func int(_ number: Int64) { raw("\(number)") }
    /// `true` or `false`
    public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
    /// `null`
    public mutating func null() { raw("null") }

    /// A whole value.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let bool): self.bool(bool)
        case .number(let number): self.number(number)
        case .string(let text): string(text)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members {
                name(member.name)
                self.value(member.value)
            }
            endObject()
        }
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func open(_ byte: UInt8) {
        separate()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    private mutating func separate() { if needsComma { bytes.append(UInt8(ascii: ",")) } }

    /// What needs no escape goes over in runs.
    private mutating func quote(_ text: String) {
        let text = Array(text.utf8)
        var start = 0
        bytes.append(UInt8(ascii: "\""))
        for (index, byte) in text.enumerated() {
            guard let (escape, length) = Self.escape(byte, text, at: index) else { continue }
            bytes.append(contentsOf: text[start..<index])
            bytes.append(contentsOf: escape.utf8)
            start = index + length
        }
        bytes.append(contentsOf: text[start...])
        bytes.append(UInt8(ascii: "\""))
    }

    /// The escape for what begins at `index` and the bytes it stands for; nil for what may stand as it is.
    private static func escape(_ byte: UInt8, _ text: [UInt8], at index: Int) -> (String, length: Int)? {
        switch byte {
        case UInt8(ascii: "\""): return ("\\\"", 1)
        case UInt8(ascii: "\\"): return ("\\\\", 1)
        case 0x0a: return ("\\n", 1)
        case 0x0d: return ("\\r", 1)
        case 0x09: return ("\\t", 1)
        case 0..<0x10: return ("\\u000" + String(byte, radix: 16), 1)
        case 0x10..<0x20, 0x7f: return ("\\u00" + String(byte, radix: 16), 1)
        case 0xe2:
            // U+2028 and U+2029 end a line for JavaScript and for some readers of line-wise logs.
            guard index + 2 < text.count, text[index + 1] == 0x80 else { return nil }
            switch text[index + 2] {
            case 0xa8: return ("\\u2028", 3)
            case 0xa9: return ("\\u2029", 3)
            default: return nil
            }
        default: return nil
        }
    }
}
