extension XMLReader {
    /// Character data and references up to the next `<` (sections 2.4, 4.1); line ends become LF (section 2.11).
    mutating func text(into text: inout [UInt8]) throws(PayloadError) {
        while let byte = current {
            switch byte {
            case UInt8(ascii: "<"): return
            case UInt8(ascii: "&"): try reference(into: &text)
            case UInt8(ascii: "]"):
                guard !has("]]>") else { throw error("]]> in text") }
                text.append(byte)
                index += 1
            default: lineOrByte(byte, into: &text)
            }
        }
    }

    /// A section of character data, behind `<![CDATA[` (section 2.7).
    mutating func characterData(into text: inout [UInt8]) throws(PayloadError) {
        while let byte = current {
            if byte == UInt8(ascii: "]"), take("]]>") { return }
            lineOrByte(byte, into: &text)
        }
        throw error("a CDATA section does not end")
    }

    /// `="value"`; white space in it becomes a space (section 3.3.3).
    mutating func attributeValue() throws(PayloadError) -> String {
        skipSpace()
        guard take("=") else { throw error("no = behind an attribute's name") }
        skipSpace()
        guard let quote = current, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw error("an attribute's value without quotes")
        }
        index += 1
        var value: [UInt8] = []
        while let byte = current {
            switch byte {
            case quote:
                index += 1
                return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "<"): throw error("< in an attribute's value")
            case UInt8(ascii: "&"): try reference(into: &value)
            case 0x09, 0x0a, 0x0d:
                var line: [UInt8] = []
                lineOrByte(byte, into: &line)
                value.append(0x20)
            default:
                value.append(byte)
                index += 1
            }
        }
        throw error("an attribute's value does not end")
    }

    private mutating func lineOrByte(_ byte: UInt8, into text: inout [UInt8]) {
        index += 1
        guard byte == 0x0d else { return text.append(byte) }
        if current == 0x0a { index += 1 }
        text.append(0x0a)
    }

    /// One of the five entities (section 4.6), or a character by its number. What is longer than any of them is none.
    private mutating func reference(into text: inout [UInt8]) throws(PayloadError) {
        let start = index
        let name = bytes[(index + 1)...].prefix(Self.maximumReference).prefix { $0 != UInt8(ascii: ";") }
        guard name.endIndex < bytes.count, bytes[name.endIndex] == UInt8(ascii: ";") else {
            throw PayloadError("a reference that does not end", at: start)
        }
        switch String(decoding: name, as: UTF8.self) {
        case "lt": text.append(UInt8(ascii: "<"))
        case "gt": text.append(UInt8(ascii: ">"))
        case "amp": text.append(UInt8(ascii: "&"))
        case "quot": text.append(UInt8(ascii: "\""))
        case "apos": text.append(UInt8(ascii: "'"))
        case let number where number.hasPrefix("#"):
            guard let scalar = Self.scalar(number.dropFirst()), XMLCharacters.isAllowed(scalar) else {
                throw PayloadError("a reference to no character of XML", at: start)
            }
            text.append(contentsOf: String(scalar).utf8)
        default: throw PayloadError("an entity that is none of the five", at: start)
        }
        index = name.endIndex + 1
    }

    /// Characters between `&` and `;`.
    static let maximumReference = 12

    /// `13` or `xD`.
    private static func scalar(_ text: Substring) -> Unicode.Scalar? {
        let isHexadecimal = text.utf8.first == UInt8(ascii: "x")
        let digits = isHexadecimal ? text.dropFirst() : text
        guard digits.utf8.first != UInt8(ascii: "+"), digits.utf8.first != UInt8(ascii: "-") else { return nil }
        return UInt32(digits, radix: isHexadecimal ? 16 : 10).flatMap(Unicode.Scalar.init)
    }
}

/// The characters of XML 1.0, fifth edition.
enum XMLCharacters {
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    /// Section 2.2.
    static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0a, 0x0d, 0x20...0xd7ff, 0xe000...0xfffd, 0x10000...0x10ffff: true
        default: false
        }
    }

    /// The whole document is UTF-8, and of these characters.
    static func check(_ bytes: [UInt8]) throws(PayloadError) {
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw PayloadError("a text that is not UTF-8", at: error.byteOffsets.lowerBound)
        }
        for (index, byte) in bytes.enumerated() {
            // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
            let isControl = byte < 0x20 && !isSpace(byte)
            guard !isControl, byte < 0xbe || index < 2 || bytes[index - 1] != 0xbf || bytes[index - 2] != 0xef else {
                throw PayloadError("a character that XML does not have", at: index)
            }
        }
    }

    /// The length of a character of a name that is at `index` (section 2.3); nil when there is none.
    static func nameCharacter(_ bytes: [UInt8], at index: Int, isFirst: Bool) -> Int? {
        guard index < bytes.count else { return nil }
        switch bytes[index] {
        case 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: ":"): return 1
        case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "."): return isFirst ? nil : 1
        case 0..<0x80: return nil
        default:
            // The document was validated: a whole character is here.
            let length = bytes[index] < 0xe0 ? 2 : bytes[index] < 0xf0 ? 3 : 4
            guard let scalar = String(decoding: bytes[index..<(index + length)], as: UTF8.self).unicodeScalars.first else {
                return nil
            }
            return isName(scalar.value, isFirst: isFirst) ? length : nil
        }
    }

    private static func isName(_ value: UInt32, isFirst: Bool) -> Bool {
        switch value {
        case 0xc0...0xd6, 0xd8...0xf6, 0xf8...0x2ff, 0x370...0x37d, 0x37f...0x1fff, 0x200c...0x200d, 0x2070...0x218f,
            0x2c00...0x2fef, 0x3001...0xd7ff, 0xf900...0xfdcf, 0xfdf0...0xfffd, 0x10000...0xeffff:
            true
        case 0xb7, 0x300...0x36f, 0x203f...0x2040: !isFirst
        default: false
        }
    }
}
