extension String {
    /// The text as a journal's columns have it: a NUL, which no database keeps in a text, is the symbol for one. What was asked for and what
    /// came of it are kept byte for byte beside that.
    var withoutNUL: String {
        guard utf8.contains(0) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\0" ? "\u{2400}" : $0 }))
    }
}
