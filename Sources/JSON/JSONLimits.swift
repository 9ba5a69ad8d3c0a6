/// How much a document may hold.
public struct JSONLimits: Sendable {
    /// Arrays and objects inside one another.
    public var depth: Int
    /// Values in all: elements, members, and the document itself.
    public var values: Int

    /// 64 levels and 200,000 values: more than any webhook, less than what hurts.
    public static let `default` = JSONLimits(depth: 64, values: 200_000)

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
