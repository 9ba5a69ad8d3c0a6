/// Words in a line of the prelude's control input, with `|` between them.
///
/// A shell reads such a line and takes it apart. What one of them could read in its own way does not stand there: the separator, the sign
/// itself, a backslash, a newline and what else is not printable ASCII travel as `%` and three octal digits; `%` alone is the empty
/// word, for a shell that splits a line drops one at its end.
enum ControlWord {
    /// nil when `word` has a NUL byte, which no argument can have.
    static func encoded(_ word: String) -> String? {
        guard !word.isEmpty else { return "%" }
        var bytes: [UInt8] = []
        for byte in word.utf8 {
            guard byte != 0 else { return nil }
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                for shift in [6, 3, 0] as [UInt8] { bytes.append(UInt8(ascii: "0") + (byte >> shift & 7)) }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "|"), UInt8(ascii: "%"), UInt8(ascii: "\\"): false
        case 0x20...0x7e: true
        default: false
        }
    }
}
