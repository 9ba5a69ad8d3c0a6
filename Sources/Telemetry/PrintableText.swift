/// Text from hosts and senders, as it may be shown on a terminal.
public enum PrintableText {
    /// `text` with C0, DEL and C1 control characters, and those that turn the direction of text or end a line, as `\u{…}`: nothing that
    /// came over the network moves a cursor or shows itself as something else.
    public static func escaping(_ text: String, keepingNewlines: Bool = false) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar.value), !(keepingNewlines && (scalar == "\n" || scalar == "\t")) {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isControl(_ scalar: UInt32) -> Bool {
        switch scalar {
        case ..<0x20, 0x7f...0x9f: true
        // Unicode Bidirectional Algorithm (UAX #9), table 4 and marks; line and paragraph separator.
        case 0x061c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }
}
