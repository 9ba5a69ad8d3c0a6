internal import JSON
internal import NIOCore
internal import NIOHTTP1

/// One HTTP request to a hook whose signature is good: its head and its raw body.
struct Delivery {
    let headers: HTTPHeaders
    let query: [(name: String, value: String)]
    let body: ByteBuffer
    let receivedAt: Int64
    var method = "POST"
    /// Where it comes from, where a rule of the hook asks for that.
    var sourceAddress: IPAddress?
    /// The claims of its token, once that is verified.
    var claims: JSONValue?
}

/// The path and the query of a request target in origin form (RFC 9112 section 3.2.1).
enum RequestTarget {
    static func path(_ uri: String) -> Substring { uri.prefix { $0 != "?" && $0 != "#" } }

    /// `name=value` pairs, percent-decoded, `+` as a space; a pair that is not UTF-8 is left out.
    static func query(_ uri: String) -> [(name: String, value: String)] {
        let uri = uri.prefix { $0 != "#" }
        guard let mark = uri.firstIndex(of: "?") else { return [] }
        return uri[uri.index(after: mark)...].split(separator: "&").prefix(maximumPairs).compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(parts[0]), let value = decode(parts.count > 1 ? parts[1] : "") else { return nil }
            return (name, value)
        }
    }

    /// Pairs of a query that are looked at.
    static let maximumPairs = 64

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hex), let low = rest.next().flatMap(hex) else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
