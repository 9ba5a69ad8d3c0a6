/// W3C trace context: which trace a delivery belongs to (https://www.w3.org/TR/trace-context/, section 3.2).
public struct TraceContext: Sendable, Equatable, CustomStringConvertible {
    /// 32 lower-case hexadecimal digits, not all zero.
    public let traceID: String
    /// 16 lower-case hexadecimal digits, not all zero.
    public let spanID: String
    /// Eight bits; the lowest says sampled.
    public let flags: UInt8

    /// Reads the header. Nil unless there is exactly one, and it is as the specification has it.
    public init?(headers: [String]) {
        guard headers.count == 1, let text = headers.first else { return nil }
        let bytes = Array(text.utf8.drop { $0 == 0x20 || $0 == 0x09 }.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed())
        guard bytes.count >= 55, let version = Self.hex(bytes[0..<2]), version != "ff", version != "00" || bytes.count == 55,
            bytes.count == 55 || bytes[55] == UInt8(ascii: "-"), bytes[2] == UInt8(ascii: "-"), bytes[35] == UInt8(ascii: "-"),
            bytes[52] == UInt8(ascii: "-"), let trace = Self.hex(bytes[3..<35]), let span = Self.hex(bytes[36..<52]),
            let flags = Self.hex(bytes[53..<55]).flatMap({ UInt8($0, radix: 16) }), trace.contains(where: { $0 != "0" }),
            span.contains(where: { $0 != "0" })
        else { return nil }
        traceID = trace
        spanID = span
        self.flags = flags
    }

    private init(traceID: String, spanID: String, flags: UInt8) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
    }

    /// A span inside `parent`, sampled when that is; or the first of a new trace, which is.
    public static func child(of parent: TraceContext?) -> TraceContext {
        TraceContext(traceID: parent?.traceID ?? random(32), spanID: random(16), flags: (parent?.flags ?? 1) & 1)
    }

    /// The span of the same trace with this id; nil when it is none.
    public func span(_ id: String) -> TraceContext? {
        TraceContext(headers: ["00-\(traceID)-\(id)-\(isSampled ? "01" : "00")"])
    }

    /// Spans of this trace are recorded.
    public var isSampled: Bool { flags & 1 == 1 }

    /// The header's value, version 00.
    public var description: String { "00-\(traceID)-\(spanID)-" + (flags < 16 ? "0" : "") + String(flags, radix: 16) }

    private static func hex(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func random(_ digits: Int) -> String {
        var text = ""
        while text.count < digits {
            let part = String(UInt64.random(in: 1...UInt64.max), radix: 16)
            text += String(repeating: "0", count: 16 - part.count) + part
        }
        return String(text.prefix(digits))
    }
}
