internal import Authentication

/// The value of a header field with its parameters, as in `multipart/form-data; boundary=x` (RFC 9110 sections 5.6.6 and 8.3.1) or
/// `form-data; name="sha"` (RFC 6266 section 4.1).
struct ParameterizedValue {
    /// What stands before the first `;`, lower case.
    let value: String
    /// Names in lower case, each once.
    let parameters: [(name: String, value: String)]

    /// Nil for what is not of this grammar, and when a parameter is there twice: two readers could take a different one.
    init?(_ text: String) {
        var scanner = Scanner(bytes: Array(text.utf8))
        scanner.skipSpace()
        value = scanner.takeToken(or: UInt8(ascii: "/")).lowercased()
        guard !value.isEmpty else { return nil }
        var parameters: [(name: String, value: String)] = []
        while true {
            scanner.skipSpace()
            if scanner.isAtEnd { break }
            guard scanner.take(";") else { return nil }
            scanner.skipSpace()
            if scanner.isAtEnd || scanner.current == UInt8(ascii: ";") { continue }
            let name = scanner.takeToken().lowercased()
            guard !name.isEmpty, scanner.take("="), let value = scanner.takeValue() else { return nil }
            guard !parameters.contains(where: { $0.name == name }) else { return nil }
            parameters.append((name, value))
        }
        self.parameters = parameters
    }

    /// The parameter of that name.
    subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

    private struct Scanner {
        let bytes: [UInt8]
        var index = 0

        var isAtEnd: Bool { index == bytes.count }
        var current: UInt8? { index < bytes.count ? bytes[index] : nil }

        mutating func skipSpace() { while current == 0x20 || current == 0x09 { index += 1 } }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard current == UInt8(ascii: character) else { return false }
            index += 1
            return true
        }

        mutating func takeToken(or other: UInt8? = nil) -> String {
            let start = index
            while let byte = current, HeaderToken.contains(byte) || byte == other { index += 1 }
            return String(decoding: bytes[start..<index], as: UTF8.self)
        }

        /// A token or a quoted string; nil when it is neither.
        mutating func takeValue() -> String? {
            guard take("\"") else {
                let token = takeToken()
                return token.isEmpty ? nil : token
            }
            var text: [UInt8] = []
            while let byte = current {
                index += 1
                switch byte {
                case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let escaped = current, escaped == 0x09 || escaped >= 0x20, escaped != 0x7f else { return nil }
                    text.append(escaped)
                    index += 1
                case 0x09, 0x20...0x7e, 0x80...: text.append(byte)
                default: return nil
                }
            }
            return nil
        }
    }
}
