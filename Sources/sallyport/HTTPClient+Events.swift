import Glibc

extension HTTPClient {
    /// Posts, and hands on each event of the answer as it comes.
    ///
    /// - Returns: the answer, when it is an ordinary one; nil after a stream has ended.
    static func follow(
        _ url: HTTPAddress, headers: [(name: String, value: String)], body: [UInt8], seconds: Int, _ event: (ServerEvent) -> Void
    ) throws -> Response? {
        let descriptor = try connect(url, seconds: seconds)
        defer { close(descriptor) }
        request(url, headers: headers, body: body, on: descriptor)
        var bytes: [UInt8] = []
        let end: [UInt8] = [13, 10, 13, 10]
        while !bytes.indices.contains(where: { bytes[$0...].starts(with: end) }), bytes.count < maximumAnswer {
            guard let piece = read(descriptor) else { break }
            bytes += piece
        }
        guard !bytes.isEmpty else {
            throw CommandFailure(
                "no answer from \(url.host):\(url.port) in time; see the ingress's log, or raise --timeout", code: .unavailable)
        }
        let head = try parse(bytes, from: url)
        guard head.headers.contains(where: { $0.name.lowercased() == "content-type" && $0.value.hasPrefix("text/event-stream") })
        else {
            while bytes.count < maximumAnswer, let piece = read(descriptor) { bytes += piece }
            return try parse(bytes, from: url)
        }
        let isChunked = head.headers.contains {
            $0.name.lowercased() == "transfer-encoding" && $0.value.lowercased() == "chunked"
        }
        var (chunks, events) = (ChunkedBody(), ServerEvents())
        var piece: [UInt8]? = head.body
        while let bytes = piece {
            for found in events.take(isChunked ? chunks.take(bytes) : bytes) { event(found) }
            piece = chunks.isComplete ? nil : read(descriptor)
        }
        return nil
    }

    private static func read(_ descriptor: Int32) -> [UInt8]? {
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
            unsafe count = max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
        }
        return piece.isEmpty ? nil : piece
    }
}

/// A body in chunks (RFC 9112 section 7.1), put together; chunk extensions and trailers are passed over.
struct ChunkedBody {
    private var buffer: [UInt8] = []
    /// Bytes of the chunk that are still to come, its line end included; nil when a size comes next.
    private var left: Int?
    /// The last chunk has come, or what came is no chunk.
    private(set) var isComplete = false

    /// The body's bytes in what came.
    mutating func take(_ bytes: [UInt8]) -> [UInt8] {
        buffer += bytes
        var body: [UInt8] = []
        while !isComplete {
            if let left {
                let piece = buffer.prefix(left)
                body += piece.prefix(max(0, left - 2))
                buffer.removeFirst(piece.count)
                self.left = left == piece.count ? nil : left - piece.count
                if self.left != nil { break }
            } else {
                guard let end = buffer.firstIndex(of: 10) else { break }
                let text = String(decoding: buffer[..<end].prefix { $0 != 13 && $0 != UInt8(ascii: ";") }, as: UTF8.self)
                buffer.removeFirst(end + 1)
                let size = Int(text, radix: 16) ?? 0
                if size > 0, size <= HTTPClient.maximumAnswer { left = size + 2 } else { isComplete = true }
            }
        }
        return body
    }
}

/// One server-sent event.
struct ServerEvent {
    var name = ""
    var data = ""
}

/// Finds the events in a stream: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
struct ServerEvents {
    private var line: [UInt8] = []
    private var event = ServerEvent()

    mutating func take(_ bytes: [UInt8]) -> [ServerEvent] {
        var found: [ServerEvent] = []
        for byte in bytes {
            guard byte == 10 else {
                if line.count < HTTPClient.maximumAnswer { line.append(byte) }
                continue
            }
            if line.isEmpty {
                if !event.data.isEmpty { found.append(event) }
                event = ServerEvent()
            } else {
                field(String(decoding: line, as: UTF8.self))
            }
            line = []
        }
        return found
    }

    private mutating func field(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return }
        var value = text[text.index(after: colon)...]
        if value.hasPrefix(" ") { value = value.dropFirst() }
        switch text[..<colon] {
        case "event": event.name = String(value)
        case "data": event.data += (event.data.isEmpty ? "" : "\n") + value
        default: break
        }
    }
}
