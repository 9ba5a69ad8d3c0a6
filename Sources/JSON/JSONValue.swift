/// A JSON document (RFC 8259), as strict as untrusted input asks for.
public indirect enum JSONValue: Sendable, Equatable {
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

    /// The elements, when this is an array.
    public var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
}

/// A number as it was written: no digit is lost on the way from a sender to a command.
public struct JSONNumber: Sendable, Equatable {
    /// The literal of the document.
    public let text: String

    /// The value when it is an integer without fraction or exponent that fits.
    public var int64: Int64? { Int64(text) }

    /// The nearest double.
    public var double: Double? { Double(text) }
}

/// Members in the order of the document; names are unique, the parser sees to that.
public struct JSONObject: Sendable, Equatable {
    /// Name and value of each member.
    public let members: [(name: String, value: JSONValue)]

    /// An object of these members.
    public init(_ members: [(name: String, value: JSONValue)]) { self.members = members }

    /// The value of that name.
    public subscript(name: String) -> JSONValue? { members.first { $0.name == name }?.value }

    /// Same members, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }
}

/// How much a document may hold.
public struct JSONLimits: Sendable {
    /// Arrays and objects inside one another.
    public var depth: Int
    /// Values in all.
    public var values: Int

    /// 64 levels and 200,000 values: more than any webhook, less than what hurts.
    public static let standard = JSONLimits(depth: 64, values: 200_000)

    /// Limits of one's own.
    public init(depth: Int, values: Int) {
        self.depth = depth
        self.values = values
    }
}

/// Why bytes are not the JSON that is accepted here.
public struct JSONError: Error, CustomStringConvertible, Equatable {
    /// What was wrong; never quotes the document.
    public let message: String
    /// Byte at which it showed.
    public let offset: Int

    /// The message with its place.
    public var description: String { "\(message) at byte \(offset)" }
}

extension JSONError {
    /// An error about a document as a whole.
    public init(_ message: String) { self.init(message: message, offset: 0) }
}

extension JSONValue {
    /// A number that is an integer.
    public static func integer(_ value: Int64) -> JSONValue { .number(JSONNumber(text: String(value))) }
}
