internal import Authentication
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

extension Delivery {
    /// Its headers, for a scheme to find its own.
    var signedHead: some DeliveryHead { Head(headers: headers) }

    private struct Head: DeliveryHead {
        let headers: HTTPHeaders

        func values(of header: String) -> [String] { headers[header] }
        var pathSecret: String? { nil }
        var clientCertificate: ClientCertificate? { nil }
    }
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
        let bytes = Array(text.utf8)
        return (try? URLEncodedForm.decoded(bytes, 0..<bytes.count)).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
