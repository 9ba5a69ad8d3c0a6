/// A place in a document (RFC 6901): `/repository/full_name`; empty for the whole.
public struct JSONPointer: Sendable, Equatable {
    private let tokens: [String]

    /// Reads the text of the settings.
    ///
    /// - Throws: ``JSONError`` when it neither is empty nor begins with `/`, or has a `~` that is not `~0` or `~1`.
    public init(_ text: String) throws(JSONError) {
        guard !text.isEmpty else {
            tokens = []
            return
        }
        guard text.hasPrefix("/") else { throw JSONError(message: "a JSON pointer begins with `/`", offset: 0) }
        var tokens: [String] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            var token = ""
            var rest = part
            while let character = rest.popFirst() {
                guard character == "~" else {
                    token.append(character)
                    continue
                }
                switch rest.popFirst() {
                case "0": token.append("~")
                case "1": token.append("/")
                default: throw JSONError(message: "`~` in a JSON pointer must be `~0` or `~1`", offset: 0)
                }
            }
            tokens.append(token)
        }
        self.tokens = tokens
    }

    /// What is there; nil when there is nothing.
    public func value(in document: JSONValue) -> JSONValue? {
        var value = document
        for token in tokens {
            switch value {
            case .object(let object):
                guard let member = object[token] else { return nil }
                value = member
            case .array(let array):
                guard let index = Self.index(token), index < array.count else { return nil }
                value = array[index]
            case .null, .bool, .number, .string: return nil
            }
        }
        return value
    }

    /// Section 4: digits without a leading zero.
    private static func index(_ token: String) -> Int? {
        guard token == "0" || !token.hasPrefix("0"), token.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(token)
    }
}
