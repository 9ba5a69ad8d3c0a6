import Authentication
import JSON
import Telemetry

/// A delivery with its headers, as one was captured: to be sent again.
///
/// Two forms are read. JSON: `headers`, an object of texts or of lists of texts, or a list of [name, value] pairs; and `body`, a text, or
/// `body-base64`. Raw: an HTTP request, that is its first line (may be left out), headers, an empty line, and the body to the end of the
/// file or as long as `Content-Length` says. What belongs to the connection and not to the delivery is left out.
struct StoredDelivery {
    var headers: [(name: String, value: String)]
    let body: [UInt8]

    /// Headers of a connection (RFC 9110 section 7.6.1), and those that the client makes itself.
    private static let connectionHeaders: Set<String> = [
        "host", "connection", "content-length", "transfer-encoding", "expect", "keep-alive", "te", "trailer", "upgrade",
        "proxy-authorization", "proxy-connection",
    ]

    init(headers: [(name: String, value: String)], body: [UInt8]) {
        self.headers = headers
        self.body = body
    }

    /// - Throws: ``CommandFailure`` naming `origin` when it is neither form.
    init(_ bytes: [UInt8], origin: String) throws {
        let first = bytes.first { !($0 == 0x20 || (0x09...0x0d).contains($0)) }
        let all = first == UInt8(ascii: "{") ? try Self.json(bytes, origin) : try Self.raw(bytes, origin)
        for header in all.headers {
            let isClean = !header.name.isEmpty && !header.name.contains(where: { $0.isWhitespace || $0 == ":" })
            guard isClean, !header.value.utf8.contains(where: { $0 == 0x0d || $0 == 0x0a || $0 == 0 }) else {
                throw CommandFailure("\(origin): header \(PrintableText.escaping(header.name)) is not one", code: .usage)
            }
        }
        headers = all.headers.filter { !Self.connectionHeaders.contains($0.name.lowercased()) }
        body = all.body
    }

    func has(_ name: String) -> Bool { headers.contains { $0.name.lowercased() == name.lowercased() } }

    mutating func remove(_ name: String) { headers.removeAll { $0.name.lowercased() == name.lowercased() } }

    /// Puts one value in the place of all that there are.
    mutating func replace(_ name: String, _ value: String) {
        remove(name)
        headers.append((name, value))
    }

    private typealias Parts = (headers: [(name: String, value: String)], body: [UInt8])

    private static func json(_ bytes: [UInt8], _ origin: String) throws -> Parts {
        func wrong(_ what: String) -> CommandFailure { CommandFailure("\(origin): \(what)", code: .usage) }
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue.parse(bytes)
        } catch {
            throw wrong("\(error)")
        }
        var headers: [(name: String, value: String)] = []
        switch document["headers"] {
        case .object(let object)?:
            for member in object.members {
                for value in member.value.array ?? [member.value] {
                    guard let text = value.string else { throw wrong("header \(PrintableText.escaping(member.name)) is no text") }
                    headers.append((member.name, text))
                }
            }
        case .array(let pairs)?:
            for pair in pairs {
                guard let parts = pair.array, parts.count == 2, let name = parts[0].string, let value = parts[1].string else {
                    throw wrong("expected [name, value] in `headers`")
                }
                headers.append((name, value))
            }
        case nil: break
        default: throw wrong("`headers` is neither an object nor a list")
        }
        switch (document["body"], document["body-base64"]) {
        case (.string(let text)?, nil): return (headers, Array(text.utf8))
        case (nil, .string(let text)?):
            guard let body = Base64.decode(text.utf8) else { throw wrong("`body-base64` is not base64") }
            return (headers, body)
        default: throw wrong("expected either `body`, a text, or `body-base64`")
        }
    }

    private static func raw(_ bytes: [UInt8], _ origin: String) throws -> Parts {
        var headers: [(name: String, value: String)] = []
        var rest = bytes[...]
        var isFirst = true
        while true {
            guard let end = rest.firstIndex(of: 0x0a) else {
                throw CommandFailure("\(origin): no empty line between headers and body; is it a delivery?", code: .usage)
            }
            var line = rest[..<end]
            if line.last == 0x0d { line.removeLast() }
            rest = rest[rest.index(after: end)...]
            if line.isEmpty { break }
            let text = String(decoding: line, as: UTF8.self)
            defer { isFirst = false }
            if isFirst, text.contains(" HTTP/1.") { continue }
            guard let colon = text.firstIndex(of: ":") else {
                throw CommandFailure("\(origin): a line before the empty one is no header", code: .usage)
            }
            headers.append(
                (String(text[..<colon]), String(text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" })))
        }
        guard let length = headers.first(where: { $0.name.lowercased() == "content-length" })?.value else {
            return (headers, Array(rest))
        }
        guard let count = Int(length), count >= 0, count <= rest.count else {
            throw CommandFailure(
                "\(origin): the body has \(rest.count) bytes, Content-Length says \(PrintableText.escaping(length))", code: .usage
            )
        }
        return (headers, Array(rest.prefix(count)))
    }
}
