/// One argument of a command as the policy writes it: text with places, `--repository={repository}`.
///
/// A place is `{name}`; `{{` and `}}` stand for the braces themselves. What fills a place can never become a second argument.
struct ArgumentTemplate: Sendable, Equatable {
    enum Piece: Sendable, Equatable {
        case text(String)
        case place(String)
    }

    let pieces: [Piece]

    /// Names of the parameters this argument needs.
    var places: [String] {
        pieces.compactMap { if case .place(let name) = $0 { name } else { nil } }
    }

    /// As the settings have it, but for the doubling of braces.
    var text: String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .place(let name): "{\(name)}"
            }
        }.joined()
    }

    /// Reads the text of the settings.
    ///
    /// - Throws: ``TemplateError`` saying where a brace is wrong.
    init(_ text: String) throws(TemplateError) {
        var pieces: [Piece] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch (character, rest.first) {
            case ("{", "{"), ("}", "}"):
                literal.append(character)
                rest.removeFirst()
            case ("{", _):
                guard let end = rest.firstIndex(of: "}") else {
                    throw TemplateError(message: "`{` without `}`; write `{{` for a brace")
                }
                let name = String(rest[..<end])
                guard !name.isEmpty, !name.contains("{") else { throw TemplateError(message: "a place needs a name: `{name}`") }
                if !literal.isEmpty { pieces.append(.text(literal)) }
                literal = ""
                pieces.append(.place(name))
                rest = rest[rest.index(after: end)...]
            case ("}", _):
                throw TemplateError(message: "`}` without `{`; write `}}` for a brace")
            default:
                literal.append(character)
            }
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        self.pieces = pieces
    }

    /// The argument with its places filled; every place has a value, the policy saw to that.
    func filled(with values: [String: String]) -> String {
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .place(let name): result += values[name] ?? ""
            }
        }
        return result
    }
}

/// A mistake in an argument's text; the settings reader adds file and line.
struct TemplateError: Error {
    let message: String
}
