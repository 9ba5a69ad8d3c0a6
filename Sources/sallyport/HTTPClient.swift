import Glibc

/// One HTTP/1.1 request over plain TCP, blocking: enough to try a hook from the host it runs on.
enum HTTPClient {
    /// What came back.
    struct Response {
        let status: Int
        let reason: String
        let headers: [(name: String, value: String)]
        let body: [UInt8]
    }

    /// Bytes of an answer that are read.
    static let maximumAnswer = 4 * 1024 * 1024

    static func post(_ url: HTTPAddress, headers: [(name: String, value: String)], body: [UInt8], seconds: Int) throws -> Response
    {
        let descriptor = try connect(url, seconds: seconds)
        defer { close(descriptor) }
        request(url, headers: headers, body: body, on: descriptor)
        return try parse(try readAll(descriptor, url), from: url)
    }

    /// Sends a whole request.
    static func request(_ url: HTTPAddress, headers: [(name: String, value: String)], body: [UInt8], on descriptor: Int32) {
        var head =
            "POST \(url.path) HTTP/1.1\r\nHost: \(url.host):\(url.port)\r\nConnection: close\r\nContent-Length: \(body.count)\r\n"
        for header in headers { head += "\(header.name): \(header.value)\r\n" }
        var rest = (Array((head + "\r\n").utf8) + body)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            // The answer to a request that is too large comes before all of it was sent.
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
    }

    static func connect(_ url: HTTPAddress, seconds: Int) throws -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(url.host, String(url.port), &hints, &list) == 0 else {
            throw CommandFailure("cannot resolve \(url.host); is the name right, and is there a name server?", code: .unavailable)
        }
        defer { unsafe freeaddrinfo(list) }
        var next = unsafe list
        while let address = unsafe next {
            let descriptor = unsafe socket(
                address.pointee.ai_family, address.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.ai_protocol
            )
            if descriptor >= 0 {
                var time = timeval(tv_sec: seconds, tv_usec: 0)
                let size = socklen_t(MemoryLayout<timeval>.size)
                unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
                unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
                if unsafe Glibc.connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 {
                    return descriptor
                }
                close(descriptor)
            }
            unsafe next = unsafe address.pointee.ai_next
        }
        throw CommandFailure("cannot connect to \(url.host):\(url.port); is the ingress running?", code: .unavailable)
    }

    private static func readAll(_ descriptor: Int32, _ url: HTTPAddress) throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < maximumAnswer {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
                unsafe count = max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
            }
            if piece.isEmpty { break }
            all += piece
        }
        guard !all.isEmpty else {
            throw CommandFailure(
                "no answer from \(url.host):\(url.port) in time; see the ingress's log, or raise --timeout", code: .unavailable)
        }
        return all
    }

    static func parse(_ bytes: [UInt8], from url: HTTPAddress) throws -> Response {
        let separator: [UInt8] = [13, 10, 13, 10]
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: separator) }) else {
            throw CommandFailure(
                "the answer of \(url.host):\(url.port) is not HTTP; does it speak TLS? send speaks plain HTTP", code: .unavailable
            )
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let status = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard status.count >= 2, let code = Int(status[1]) else {
            throw CommandFailure(
                "the answer of \(url.host):\(url.port) is not HTTP; does it speak TLS? send speaks plain HTTP", code: .unavailable
            )
        }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        return Response(
            status: code, reason: status.count > 2 ? String(status[2]) : "", headers: headers, body: Array(bytes[(end + 4)...]))
    }
}

/// An `http://` address, taken apart.
struct HTTPAddress {
    let host: String
    let port: Int
    private(set) var path: String

    /// Adds a segment to the path, before the query.
    mutating func append(_ segment: String) {
        let query = path.firstIndex(of: "?").map { path[$0...] } ?? ""
        path = "\(path.dropLast(query.count))/\(segment)\(query)"
    }

    init(_ text: String) throws {
        guard text.hasPrefix("http://") else {
            throw CommandFailure(
                "\(text): only http:// is spoken here; run it beside the ingress, or use curl for https", code: .usage)
        }
        let rest = text.dropFirst(7)
        let authority = rest.prefix { $0 != "/" }
        path = rest.count == authority.count ? "/" : String(rest.dropFirst(authority.count))
        let parts = authority.split(separator: ":")
        guard let first = parts.first, parts.count <= 2, !path.contains(" ") else {
            throw CommandFailure("\(text) is no address", code: .usage)
        }
        host = String(first)
        guard let number = parts.count == 2 ? Int(parts[1]) : 80, (1...65535).contains(number) else {
            throw CommandFailure("\(text): no port between 1 and 65535", code: .usage)
        }
        port = number
    }
}
