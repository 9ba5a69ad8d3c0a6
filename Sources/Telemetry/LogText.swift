/// Text as lines of a log have it.
enum LogText {
    /// As much of `text` as takes at most `limit` bytes when escaped for JSON, with `…` where it was cut.
    static func fitting(_ text: String, into limit: Int) -> String {
        guard escapedLength(text) > limit else { return text }
        var length = 3
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            length += escapedLength(scalar)
            guard length <= limit else { break }
            kept.append(scalar)
        }
        return String(kept) + "…"
    }

    /// Bytes that `text` takes between the quotes of JSON.
    static func escapedLength(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + escapedLength($1) } }

    private static func escapedLength(_ scalar: Unicode.Scalar) -> Int {
        switch scalar {
        case "\"", "\\", "\n", "\r", "\t": 2
        case "\0"..<" ", "\u{7f}": 6
        default: UTF8.width(scalar)
        }
    }

    /// A value that can be told from the next one: in quotes when there is a space, a quote or nothing in it.
    static func word(_ text: String) -> String {
        guard text.isEmpty || text.unicodeScalars.contains(where: { " \"=".unicodeScalars.contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"") + "\""
    }
}
