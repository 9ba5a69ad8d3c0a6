/// Server-sent events as text: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
enum EventText {
    /// Milliseconds after which a reader whose connection broke shall come back.
    static let retry = "retry: 2000\n\n"
    /// What keeps proxies from taking a quiet stream for a dead one.
    static let heartbeat = ":\n\n"

    /// One event. `data` is one document of JSON, which ``JSONWriter`` keeps on one line; a line end in any of the three would begin
    /// another field and is replaced by a space.
    static func event(_ name: String, id: String, data: [UInt8]) -> [UInt8] {
        var bytes = Array("event: \(name)\nid: \(id)\ndata: ".utf8.map { $0 })
        bytes.reserveCapacity(bytes.count + data.count + 2)
        bytes.append(contentsOf: data.lazy.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 })
        bytes.append(contentsOf: [0x0a, 0x0a])
        return bytes
    }

    /// A line for people that is no event; of one line.
    static func comment(_ text: String) -> [UInt8] { Array(": \(text)\n\n".utf8) }
}
