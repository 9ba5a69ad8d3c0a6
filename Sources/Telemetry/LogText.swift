/// Text cut to a length it has in JSON.
enum LogText {
    /// As much of `text` as takes at most `limit` bytes when escaped, with `…` where it was cut.
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

    /// Bytes that `text` takes between the quotes.
    static func escapedLength(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + escapedLength($1) } }

    private static func escapedLength(_ scalar: Unicode.Scalar) -> Int {
        switch scalar {
        case "\"", "\\", "\n", "\r", "\t": 2
        case "\0"..<" ", "\u{7f}": 6
        default: UTF8.width(scalar)
        }
    }
}
