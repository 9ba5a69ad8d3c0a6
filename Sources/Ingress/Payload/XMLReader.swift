internal import JSON

/// How much an XML document may hold.
struct XMLLimits {
    /// Elements inside one another.
    var depth = 64
    /// Elements and attributes in all.
    var values = 200_000
    /// Attributes of one element.
    var attributes = 128
    /// Bytes of a name.
    var name = 256
}

/// Reads a strict subset of XML 1.0 (fifth edition) into the same values as JSON: see ``XMLElement`` for the mapping.
///
/// There is no document type, hence no entity but the five of the language, and nothing grows or is fetched. Processing instructions
/// but the declaration are refused, and so is every encoding but UTF-8. Namespaces are not resolved: a prefix is part of the name.
struct XMLReader {
    let bytes: [UInt8]
    let limits: XMLLimits
    var index = 0
    private var values = 0

    /// - Throws: ``PayloadError`` for what is not well-formed, not in the subset, or beyond a limit.
    static func read(_ bytes: [UInt8], limits: XMLLimits = XMLLimits()) throws(PayloadError) -> JSONValue {
        try XMLCharacters.check(bytes)
        var reader = XMLReader(bytes: bytes, limits: limits)
        return try reader.document()
    }

    private init(bytes: [UInt8], limits: XMLLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    func error(_ message: String) -> PayloadError { PayloadError(message, at: index) }
    var current: UInt8? { index < bytes.count ? bytes[index] : nil }
    func has(_ text: StaticString) -> Bool { bytes[index...].starts(with: "\(text)".utf8) }

    mutating func take(_ text: StaticString) -> Bool {
        guard has(text) else { return false }
        index += text.utf8CodeUnitCount
        return true
    }

    /// - Returns: whether there was any.
    @discardableResult
    mutating func skipSpace() -> Bool {
        let start = index
        while let byte = current, XMLCharacters.isSpace(byte) { index += 1 }
        return index > start
    }

    /// Section 2.8, without a document type.
    private mutating func document() throws(PayloadError) -> JSONValue {
        // The one byte order mark that UTF-8 has.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { index = 3 }
        if has("<?xml"), index + 5 < bytes.count, XMLCharacters.isSpace(bytes[index + 5]) { try declaration() }
        try skipMiscellaneous()
        guard current == UInt8(ascii: "<") else { throw error("no element") }
        let root = try element(depth: 1)
        try skipMiscellaneous()
        guard index == bytes.count else { throw error("something follows the document") }
        return .object(JSONObject([(root.name, root.value)]))
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`: the version alone must be there.
    private mutating func declaration() throws(PayloadError) {
        index += 5
        guard try pseudoAttribute("version") == "1.0" else { throw error("a version that is not 1.0") }
        if let encoding = try pseudoAttribute("encoding"), !["utf-8", "us-ascii"].contains(encoding.lowercased()) {
            throw error("an encoding that is not UTF-8")
        }
        if let standalone = try pseudoAttribute("standalone"), !["yes", "no"].contains(standalone) {
            throw error("a malformed declaration")
        }
        skipSpace()
        guard take("?>") else { throw error("a malformed declaration") }
    }

    private mutating func pseudoAttribute(_ name: StaticString) throws(PayloadError) -> String? {
        let start = index
        guard skipSpace(), take(name) else {
            index = start
            return nil
        }
        return try attributeValue()
    }

    private mutating func skipMiscellaneous() throws(PayloadError) {
        while true {
            skipSpace()
            if take("<!--") {
                try skipComment()
            } else if has("<!") || has("<?") {
                throw refused()
            } else {
                return
            }
        }
    }

    /// What begins with `<!` or `<?` and is not accepted.
    private func refused() -> PayloadError {
        if has("<!DOCTYPE") { return error("a document type") }
        return has("<?") ? error("a processing instruction") : error("unknown markup")
    }

    /// `index` is behind `<!--` (section 2.5).
    private mutating func skipComment() throws(PayloadError) {
        while index < bytes.count {
            if take("--") {
                guard take(">") else { throw error("-- in a comment") }
                return
            }
            index += 1
        }
        throw error("a comment does not end")
    }

    private mutating func count() throws(PayloadError) {
        values += 1
        guard values <= limits.values else { throw error("more than \(limits.values) elements and attributes") }
    }

    /// `index` is at `<` of a start tag (section 3).
    private mutating func element(depth: Int) throws(PayloadError) -> (name: String, value: JSONValue) {
        guard depth <= limits.depth else { throw error("more than \(limits.depth) levels") }
        try count()
        index += 1
        let name = try name()
        var element = XMLElement()
        while true {
            let isSeparated = skipSpace()
            if take("/>") { return (name, element.value) }
            if take(">") { break }
            guard isSeparated else { throw error("no white space before an attribute") }
            try count()
            let place = index
            let attribute = try self.name()
            guard element.attributes.count < limits.attributes else { throw error("more than \(limits.attributes) attributes") }
            guard element.addAttribute(attribute, try attributeValue()) else {
                throw PayloadError("an attribute repeats", at: place)
            }
        }
        try content(of: &element, depth: depth)
        guard try self.name().utf8.elementsEqual(name.utf8) else { throw error("an end tag that is not of its element") }
        skipSpace()
        guard take(">") else { throw error("a malformed end tag") }
        return (name, element.value)
    }

    /// Up to and with the `</` of the end tag (section 3.1).
    private mutating func content(of element: inout XMLElement, depth: Int) throws(PayloadError) {
        while true {
            try text(into: &element.text)
            guard index < bytes.count else { throw error("an element does not end") }
            if take("</") { return }
            if take("<!--") {
                try skipComment()
            } else if take("<![CDATA[") {
                try characterData(into: &element.text)
            } else if has("<!") || has("<?") {
                throw refused()
            } else {
                let child = try self.element(depth: depth + 1)
                element.children.add(child.name, child.value)
            }
        }
    }

    private mutating func name() throws(PayloadError) -> String {
        let start = index
        while let length = XMLCharacters.nameCharacter(bytes, at: index, isFirst: index == start) { index += length }
        guard index > start else { throw error("no name") }
        guard index - start <= limits.name else {
            throw PayloadError("a name of more than \(limits.name) bytes", at: start)
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }
}

/// An element on its way to a value.
///
/// | element | value |
/// | --- | --- |
/// | neither attributes nor children | its text, a string |
/// | otherwise | an object: an attribute is the member `@name`, a child the member of its name, children of one name an array, and text, where it is more than white space, the member `#text` |
struct XMLElement {
    private(set) var attributes: [(name: String, value: JSONValue)] = []
    private var attributeNames: Set<[UInt8]> = []
    var children = FieldCollector()
    var text: [UInt8] = []

    /// False when there is one of that name already (section 3.1).
    mutating func addAttribute(_ name: String, _ value: String) -> Bool {
        guard attributeNames.insert(Array(name.utf8)).inserted else { return false }
        attributes.append(("@\(name)", .string(value)))
        return true
    }

    var value: JSONValue {
        let text = JSONValue.string(String(decoding: self.text, as: UTF8.self))
        if attributes.isEmpty, children.isEmpty { return text }
        let isBlank = self.text.allSatisfy(XMLCharacters.isSpace)
        return .object(JSONObject(attributes + children.members + (isBlank ? [] : [("#text", text)])))
    }
}
