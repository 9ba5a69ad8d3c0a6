internal import Authentication
internal import JSON

/// Reads `multipart/form-data` (RFC 7578, RFC 2046 section 5.1) as senders write it, and nothing that two readers could take apart
/// differently: no text before the first boundary or behind the last one, no white space behind a boundary, no line that ends in a
/// bare LF where one matters, no line that begins like a boundary and goes on.
///
/// A field is a member with a string; a name that repeats has an array. A file, which is a part with a `filename`, is
/// `{"filename": …, "size": …}`: its content is not looked at and kept nowhere.
struct MultipartForm {
    /// Parts of one body.
    static let maximumParts = 256
    /// Bytes of the header of one part.
    static let maximumHeader = 4096
    /// Bytes of a field's name.
    static let maximumName = 1024
    /// Characters of a boundary (RFC 2046 section 5.1.1).
    static let maximumBoundary = 70

    private let bytes: [UInt8]
    private let delimiter: [UInt8]
    private var index = 0

    /// - Throws: ``PayloadError`` for what is not of the grammar, a text field that is not UTF-8 or has a NUL, and what is beyond a
    ///   limit.
    static func read(_ bytes: [UInt8], boundary: String?) throws(PayloadError) -> JSONValue {
        guard let boundary else { throw PayloadError("the content type has no boundary") }
        guard isBoundary(boundary) else {
            throw PayloadError("the boundary is not 1 to \(maximumBoundary) of the characters that RFC 2046 allows")
        }
        var form = MultipartForm(bytes: bytes, delimiter: Array("--\(boundary)".utf8))
        return try form.read()
    }

    private static func isBoundary(_ text: String) -> Bool {
        (1...maximumBoundary).contains(text.utf8.count) && text.utf8.last != 0x20
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "'()+_,-./:=? ".utf8.contains(byte)
            }
    }

    private init(bytes: [UInt8], delimiter: [UInt8]) {
        self.bytes = bytes
        self.delimiter = delimiter
    }

    private func has(_ text: some Collection<UInt8>, at place: Int) -> Bool { bytes[place...].starts(with: text) }

    private mutating func read() throws(PayloadError) -> JSONValue {
        guard has(delimiter, at: 0) else { throw PayloadError("the body does not begin with its boundary", at: 0) }
        index = delimiter.count
        var fields = FieldCollector()
        var parts = 0
        while !has("--".utf8, at: index) {
            guard has("\r\n".utf8, at: index) else { throw PayloadError("something follows a boundary", at: index) }
            index += 2
            parts += 1
            guard parts <= Self.maximumParts else { throw PayloadError("more than \(Self.maximumParts) parts", at: index) }
            let header = try PartHeader(bytes, at: &index)
            let content = try content()
            if let filename = header.filename {
                let size = JSONValue.integer(Int64(content.count))
                fields.add(header.name, .object(JSONObject([("filename", .string(filename)), ("size", size)])))
            } else {
                fields.add(header.name, .string(try PayloadText.text(bytes, content)))
            }
        }
        index += 2
        if has("\r\n".utf8, at: index) { index += 2 }
        guard index == bytes.count else { throw PayloadError("something follows the last boundary", at: index) }
        return .object(JSONObject(fields.members))
    }

    /// What stands before the next boundary; `index` is behind that then. A boundary has no LF in it, so the time is linear.
    private mutating func content() throws(PayloadError) -> Range<Int> {
        let start = index
        while let feed = bytes[index...].firstIndex(of: 0x0a) {
            index = feed + 1
            guard has(delimiter, at: index) else { continue }
            guard feed > start, bytes[feed - 1] == 0x0d else {
                throw PayloadError("a boundary that is not behind CRLF", at: index)
            }
            index += delimiter.count
            return start..<(feed - 1)
        }
        throw PayloadError("the last boundary is missing", at: bytes.count)
    }
}

/// The header of one part: what it says about the field, and nothing else is looked at (RFC 7578 section 4.8).
private struct PartHeader {
    let name: String
    /// The part is a file.
    let filename: String?

    /// Reads up to and with the empty line.
    init(_ bytes: [UInt8], at index: inout Int) throws(PayloadError) {
        let start = index
        var disposition: ParameterizedValue?
        while true {
            let line = try Self.line(bytes, at: &index, from: start)
            if line.isEmpty { break }
            guard let field = Self.field(try PayloadText.text(bytes, line)) else {
                throw PayloadError("a part's header that is none", at: line.lowerBound)
            }
            switch field.name {
            case "content-disposition":
                guard disposition == nil, let value = ParameterizedValue(field.value), value.value == "form-data" else {
                    throw PayloadError("a part without its one Content-Disposition: form-data", at: line.lowerBound)
                }
                disposition = value
            case "content-type":
                guard let type = ParameterizedValue(field.value), PayloadForm.isUTF8(type["charset"]) else {
                    throw PayloadError("a part's Content-Type that is none, or not UTF-8", at: line.lowerBound)
                }
            case "content-transfer-encoding":
                guard ["7bit", "8bit", "binary"].contains(field.value.lowercased()) else {
                    throw PayloadError("a part with a transfer encoding (RFC 7578 section 4.7)", at: line.lowerBound)
                }
            default: break
            }
        }
        guard let disposition, let name = disposition["name"], disposition["name*"] == nil else {
            throw PayloadError("a part without its name", at: start)
        }
        guard name.utf8.count <= MultipartForm.maximumName else {
            throw PayloadError("a field's name of more than \(MultipartForm.maximumName) bytes", at: start)
        }
        self.name = name
        filename = disposition["filename"] ?? disposition["filename*"]
    }

    private static func line(_ bytes: [UInt8], at index: inout Int, from start: Int) throws(PayloadError) -> Range<Int> {
        let limit = start + MultipartForm.maximumHeader
        guard let end = bytes[index..<min(bytes.count, limit)].firstIndex(where: { $0 == 0x0a || $0 == 0x0d }), end + 2 <= limit
        else {
            let isCut = bytes.count <= limit
            let message =
                isCut ? "a part's header does not end" : "a part's header of more than \(MultipartForm.maximumHeader) bytes"
            throw PayloadError(message, at: start)
        }
        guard bytes[end] == 0x0d, end + 1 < bytes.count, bytes[end + 1] == 0x0a else {
            throw PayloadError("a line of a part's header that does not end in CRLF", at: end)
        }
        defer { index = end + 2 }
        return index..<end
    }

    private static func field(_ line: String) -> (name: String, value: String)? {
        guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), HeaderToken.isToken(line[..<colon]) else { return nil }
        let value = line.utf8[line.utf8.index(after: colon)...].drop { $0 == 0x20 || $0 == 0x09 }
        return (line[..<colon].lowercased(), String(Substring(value)))
    }
}
