extension JSONValue {
    /// Reads one document.
    ///
    /// Refused beyond RFC 8259's grammar: member names that repeat (also when they only differ in how Unicode composes a
    /// character), invalid UTF-8, lone surrogates, anything after the document, and more depth or values than `limits` allow.
    ///
    /// - Throws: ``JSONError`` naming what was wrong and where.
    public static func parse(_ bytes: some Collection<UInt8>, limits: JSONLimits = .default) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError>? = bytes.withContiguousStorageIfAvailable { buffer in
            Result { () throws(JSONError) in unsafe try parse(buffer.span, limits: limits) }
        }
        guard let result else { return try parse(Array(bytes).span, limits: limits) }
        return try result.get()
    }

    /// As ``parse(_:limits:)``, on memory that is lent for the call.
    public static func parse(_ bytes: Span<UInt8>, limits: JSONLimits = .default) throws(JSONError) -> JSONValue {
        var parser = JSONParser(limits: limits)
        return try parser.document(bytes)
    }
}

/// A recursive-descent parser; depth is limited, so recursion is. The bytes come from strangers: every access is checked.
struct JSONParser {
    let limits: JSONLimits
    var index = 0
    private var depth = 0
    private var values = 0

    init(limits: JSONLimits) { self.limits = limits }

    func error(_ message: String) -> JSONError { JSONError(message: message, offset: index) }

    mutating func document(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        let value = try value(bytes)
        skipSpace(bytes)
        guard index == bytes.count else { throw error("something follows the document") }
        return value
    }

    private mutating func value(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        skipSpace(bytes)
        guard index < bytes.count else { throw error("the document ends early") }
        values += 1
        guard values <= limits.values else { throw error("more than \(limits.values) values") }
        switch bytes[index] {
        case UInt8(ascii: "\""): return .string(try string(bytes))
        case UInt8(ascii: "{"): return .object(try object(bytes))
        case UInt8(ascii: "["): return .array(try array(bytes))
        case UInt8(ascii: "t"): return try literal(bytes, "true", .bool(true))
        case UInt8(ascii: "f"): return try literal(bytes, "false", .bool(false))
        case UInt8(ascii: "n"): return try literal(bytes, "null", .null)
        default: return .number(try number(bytes))
        }
    }

    private mutating func array(_ bytes: Span<UInt8>) throws(JSONError) -> [JSONValue] {
        try open()
        var elements: [JSONValue] = []
        if take("]", bytes) { return close(elements) }
        while true {
            elements.append(try value(bytes))
            if take("]", bytes) { return close(elements) }
            guard take(",", bytes) else { throw error("no comma or end of array") }
        }
    }

    private mutating func object(_ bytes: Span<UInt8>) throws(JSONError) -> JSONObject {
        try open()
        var members: [(name: String, value: JSONValue)] = []
        var names = SeenNames()
        if take("}", bytes) { return close(JSONObject(members)) }
        while true {
            skipSpace(bytes)
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw error("no member name") }
            let name = try string(bytes)
            guard names.insert(name, after: members) else { throw error("a member name repeats") }
            guard take(":", bytes) else { throw error("no colon after a member name") }
            members.append((name, try value(bytes)))
            if take("}", bytes) { return close(JSONObject(members)) }
            guard take(",", bytes) else { throw error("no comma or end of object") }
        }
    }

    private mutating func open() throws(JSONError) {
        depth += 1
        guard depth <= limits.depth else { throw error("more than \(limits.depth) levels") }
        index += 1
    }

    private mutating func close<T>(_ value: T) -> T {
        depth -= 1
        return value
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0a, 0x0d, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func take(_ structural: Unicode.Scalar, _ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        return takeNext(structural, bytes)
    }

    private mutating func takeNext(_ character: Unicode.Scalar, _ bytes: Span<UInt8>) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func literal(_ bytes: Span<UInt8>, _ text: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let start = index
        for byte in text.utf8 {
            guard index < bytes.count, bytes[index] == byte else {
                index = start
                throw error("no value")
            }
            index += 1
        }
        return value
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> JSONNumber {
        let start = index
        _ = takeNext("-", bytes)
        if !takeNext("0", bytes) { try digits(bytes) }
        if takeNext(".", bytes) { try digits(bytes) }
        if takeNext("e", bytes) || takeNext("E", bytes) {
            if !takeNext("+", bytes) { _ = takeNext("-", bytes) }
            try digits(bytes)
        }
        return JSONNumber(text: try text(bytes, from: start, to: index))
    }

    private mutating func digits(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = index
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
        guard index > start else { throw error("no value") }
    }
}

/// The names of one object so far. Few are compared one by one; many go into a set, so that no object costs quadratic time.
private struct SeenNames {
    private static let few = 12
    private var set: Set<String> = []

    /// False when the name was there already. Swift compares canonically equivalent strings as equal, which is the stricter
    /// reading.
    mutating func insert(_ name: String, after members: [(name: String, value: JSONValue)]) -> Bool {
        if members.count < Self.few { return !members.contains { $0.name == name } }
        if members.count == Self.few { set = Set(members.map(\.name)) }
        return set.insert(name).inserted
    }
}
