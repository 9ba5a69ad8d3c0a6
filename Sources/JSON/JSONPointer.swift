/// A place in a document (RFC 6901): `/repository/full_name`; empty for the whole.
public struct JSONPointer: Sendable, Equatable {
    private let tokens: [String]

    /// Reads the text of the settings.
    ///
    /// - Throws: ``JSONError`` when it neither is empty nor begins with `/`, or has a `~` that is not `~0` or `~1`.
    public init(_ text: String) throws(JSONError) {
        // Bytes, not characters: a combining mark behind `/` makes one character with it.
        let bytes = Array(text.utf8)
        guard let first = bytes.first else {
            tokens = []
            return
        }
        guard first == UInt8(ascii: "/") else { throw JSONError("a JSON pointer begins with `/`") }
        var tokens: [String] = []
        for part in bytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            tokens.append(try Self.unescaped(part))
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

    private static func unescaped(_ part: ArraySlice<UInt8>) throws(JSONError) -> String {
        var token: [UInt8] = []
        var rest = part
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "~") else {
                token.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "0"): token.append(UInt8(ascii: "~"))
            case UInt8(ascii: "1"): token.append(UInt8(ascii: "/"))
            default: throw JSONError("`~` in a JSON pointer must be `~0` or `~1`")
            }
        }
        return String(decoding: token, as: UTF8.self)
    }

    /// Section 4: digits without a leading zero.
    private static func index(_ token: String) -> Int? {
        guard token == "0" || !token.hasPrefix("0"), token.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(token)
    }
}
