/// A JSON document (RFC 8259), as strict as untrusted input asks for.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// The member of that name, when this is an object that has it.
    public subscript(name: String) -> JSONValue? {
        if case .object(let object) = self { object[name] } else { nil }
    }

    /// The text, when this is a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The number, when this is one.
    public var number: JSONNumber? { if case .number(let number) = self { number } else { nil } }

    /// The elements, when this is an array.
    public var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }

    /// The members, when this is an object.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// A number that is an integer.
    public static func integer(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }
}

extension JSONValue: Equatable {
    /// Same type and same content: strings byte for byte, without the Unicode equivalence of `String` (RFC 8259 section 8.3),
    /// numbers as they are written, members in any order.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value as compact JSON.
    public var description: String {
        var writer = JSONWriter()
        writer.value(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

/// A number as it was written: no digit is lost on the way from a sender to a command.
public struct JSONNumber: Sendable, Equatable {
    /// The literal of the document.
    public let text: String

    init(text: String) { self.text = text }

    /// An integer.
    public init(_ value: Int64) { text = String(value) }

    /// The value when it is an integer without fraction or exponent that fits.
    public var int64: Int64? { Int64(text) }

    /// The nearest double; nil beyond what a double reaches.
    public var double: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }
}

/// Members in the order of the document; names are unique, the parser sees to that.
public struct JSONObject: Sendable, Equatable {
    /// Name and value of each member.
    public let members: [(name: String, value: JSONValue)]

    /// An object of these members; the names must be unique.
    public init(_ members: [(name: String, value: JSONValue)]) { self.members = members }

    /// The value of that name, compared byte for byte.
    public subscript(name: String) -> JSONValue? { members.first { $0.name.hasSameBytes(as: name) }?.value }

    /// Same members, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }
}

extension String {
    /// Equality without Unicode's canonical equivalence.
    func hasSameBytes(as other: String) -> Bool { utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8) }
}
