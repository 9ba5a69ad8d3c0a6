internal import JSON

/// Why a body is not what its content type says. Never quotes the body.
struct PayloadError: Error, CustomStringConvertible, Equatable {
    /// What was wrong.
    let message: String
    /// Byte of the body at which it showed; nil when it is about the body as a whole.
    let offset: Int?

    init(_ message: String, at offset: Int? = nil) {
        self.message = message
        self.offset = offset
    }

    var description: String { offset.map { "\(message) at byte \($0)" } ?? message }
}

/// Text out of a body.
enum PayloadText {
    /// The bytes of `range` as text.
    ///
    /// - Throws: ``PayloadError`` when they are not UTF-8 or have a NUL, which no form field and no plain text needs and which ends a
    ///   text for programs in C.
    static func text(_ bytes: [UInt8], _ range: Range<Int>) throws(PayloadError) -> String {
        let span = bytes.span.extracting(range)
        for index in span.indices where span[index] == 0 { throw PayloadError("a NUL", at: range.lowerBound + index) }
        do {
            return String(copying: try UTF8Span(validating: span))
        } catch {
            throw PayloadError("a text that is not UTF-8", at: range.lowerBound + error.byteOffsets.lowerBound)
        }
    }
}

/// Fields in the order of their first appearance; what repeats becomes an array. Names are told apart by their bytes.
struct FieldCollector {
    private var fields: [(name: String, values: [JSONValue])] = []
    private var places: [[UInt8]: Int] = [:]

    var isEmpty: Bool { fields.isEmpty }

    mutating func add(_ name: String, _ value: JSONValue) {
        let key = Array(name.utf8)
        if let place = places[key] {
            fields[place].values.append(value)
        } else {
            places[key] = fields.count
            fields.append((name, [value]))
        }
    }

    /// One member a name.
    var members: [(name: String, value: JSONValue)] {
        fields.map { ($0.name, $0.values.count == 1 ? $0.values[0] : .array($0.values)) }
    }
}
