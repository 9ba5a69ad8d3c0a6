public import JSON

/// A text pattern that a claim may be held against. It is anchored at both ends and its time is bounded, whatever a token says.
public protocol ClaimPattern: Sendable {
    /// The pattern as it was written.
    var text: String { get }
    /// The whole of `value` matches.
    func matches(_ value: String) -> Bool
}

/// What one claim must be. Types are never converted: the text `"3"` is not the number `3`, and a list is not its only element.
public enum ClaimRule: Sendable {
    /// Bytes of a text that a pattern is tried on; a longer one does not match.
    public static let maximumPatternValue = 1024

    /// This value, of this type.
    case equals(JSONValue)
    /// One of these values.
    case oneOf([JSONValue])
    /// A text that matches as a whole.
    case pattern(any ClaimPattern)
    /// A list with, for each of these rules, an element that keeps it.
    indirect case contains([ClaimRule])

    /// True when `value` is as it must be.
    public func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .equals(let expected): return value == expected
        case .oneOf(let expected): return expected.contains(value)
        case .pattern(let pattern):
            guard let text = value.string, text.utf8.count <= Self.maximumPatternValue else { return false }
            return pattern.matches(text)
        case .contains(let rules):
            guard let elements = value.array else { return false }
            return rules.allSatisfy { rule in elements.contains { rule.accepts($0) } }
        }
    }

    /// The types that can be accepted, in words.
    var types: Set<String> {
        switch self {
        case .equals(let value): [value.type]
        case .oneOf(let values): Set(values.map(\.type))
        case .pattern: ["text"]
        case .contains: ["list"]
        }
    }
}

extension ClaimRule: CustomStringConvertible {
    /// The rule in words that differ where rules differ.
    public var description: String {
        switch self {
        case .equals(let value): "= \(value)"
        case .oneOf(let values): "one of \(JSONValue.array(values))"
        case .pattern(let pattern): "matches \(JSONValue.string(pattern.text))"
        case .contains(let rules): "contains (\(rules.map(\.description).joined(separator: "; ")))"
        }
    }
}

/// A claim and its rule.
public struct ClaimDemand: Sendable {
    /// The claim's name; one that begins with `/` is a JSON Pointer (RFC 6901) into the claims, as `/realm_access/roles`.
    public let name: String
    /// What it must be.
    public let rule: ClaimRule
    private let pointer: JSONPointer?

    /// - Throws: `JSONError` for a pointer that is none.
    public init(_ name: String, _ rule: ClaimRule) throws(JSONError) {
        self.name = name
        self.rule = rule
        pointer = name.utf8.first == UInt8(ascii: "/") ? try JSONPointer(name) : nil
    }

    /// - Throws: ``TokenError`` naming the claim, and where it is of a wrong type also that; never its value.
    func check(_ claims: JSONValue) throws(TokenError) {
        guard let value = pointer.map({ $0.value(in: claims) }) ?? claims[name] else {
            throw TokenError(.claim, "the token has no claim \(name)")
        }
        guard rule.types.contains(value.type) else {
            throw TokenError(
                .claim,
                "the token's claim \(name) is a \(value.type), asked for is a \(rule.types.sorted().joined(separator: " or "))")
        }
        guard rule.accepts(value) else { throw TokenError(.claim, "the token's claim \(name) is not what is asked for") }
    }
}

extension JSONValue {
    /// The type's name for people.
    fileprivate var type: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "text"
        case .array: "list"
        case .object: "mapping"
        }
    }
}
