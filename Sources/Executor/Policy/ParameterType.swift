internal import Settings

/// What a parameter's value may be. A type turns a caller's text into the text that fills a place, or says why it does not.
enum ParameterType: Sendable {
    /// The whole value matches.
    case pattern(AnchoredPattern)
    /// One of these values, byte for byte.
    case choice([String])
    /// Decimal digits, perhaps behind a `-`, without leading zeros.
    case integer(ClosedRange<Int>)
    /// `true` or `false`.
    case boolean
    case path(PathRule)
    case url(URLRule)

    /// The word for it in the settings.
    enum Name: String, CaseIterable {
        case pattern
        case choice
        case integer
        case boolean
        case path
        case url
    }

    var name: Name {
        switch self {
        case .pattern: .pattern
        case .choice: .choice
        case .integer: .integer
        case .boolean: .boolean
        case .path: .path
        case .url: .url
        }
    }

    /// What fills the place: the value itself, but for a path, which becomes the whole path in its shortest form.
    ///
    /// - Throws: ``ParameterError``, which never holds the value.
    func accepted(_ value: String) throws(ParameterError) -> String {
        switch self {
        case .pattern(let pattern):
            guard pattern.matches(value) else { throw ParameterError("does not match its pattern") }
        case .choice(let values):
            guard values.contains(where: { $0.utf8.elementsEqual(value.utf8) }) else {
                throw ParameterError("is none of its values")
            }
        case .integer(let range):
            guard let number = Int(value), String(number) == value, range.contains(number) else {
                throw ParameterError("is no whole number from \(range.lowerBound) to \(range.upperBound)")
            }
        case .boolean:
            guard value == "true" || value == "false" else { throw ParameterError("is neither true nor false") }
        case .path(let rule): return try rule.accepted(value)
        case .url(let rule): try rule.check(value)
        }
        return value
    }

    /// A value may begin with `-`, and be taken for an option.
    var admitsHyphen: Bool {
        switch self {
        case .pattern(let pattern): pattern.admits(first: UInt8(ascii: "-"))
        case .integer(let range): range.lowerBound < 0
        // The operator has written the values of a choice out.
        case .choice, .boolean, .path, .url: false
        }
    }

    /// For people, as in `a whole number from 1 to 9`.
    var words: String {
        switch self {
        case .pattern(let pattern): "matching \(pattern.text)"
        case .choice(let values): "one of \(values.joined(separator: ", "))"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .boolean: "true or false"
        case .path(let rule): "a path below \(rule.root)"
        case .url(let rule): "a URL, \(rule.schemes.joined(separator: " or ")), of \(rule.hosts.joined(separator: ", "))"
        }
    }
}

/// Why a value is not of its type; the policy adds which parameter it was.
struct ParameterError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}
