internal import JSON

/// Spans as one ExportTraceServiceRequest of opentelemetry-proto in the JSON mapping of OTLP/HTTP
/// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hexadecimal, enumerations as numbers, 64 bits as text.
public struct TraceExport: Sendable {
    private let service: String
    private let version: String

    /// - Parameter service: whose spans they are.
    public init(service: String, version: String) {
        self.service = service
        self.version = version
    }

    /// One line without its end.
    public func document(_ spans: [Span]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.list("resourceSpans") { json in
            json.beginObject()
            json.name("resource")
            json.beginObject()
            json.attributes([("service.name", .string(service)), ("service.version", .string(version))])
            json.endObject()
            json.list("scopeSpans") { json in
                json.beginObject()
                json.name("scope")
                json.beginObject()
                json.text("name", "sallyport")
                json.text("version", version)
                json.endObject()
                json.list("spans") { json in for span in spans { json.span(span) } }
                json.endObject()
            }
            json.endObject()
        }
        json.endObject()
        return json.bytes
    }
}

extension JSONWriter {
    /// SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK, SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
    private static let knowsRemote: Int64 = 0x100
    private static let isRemote: Int64 = 0x200
    /// STATUS_CODE_ERROR
    private static let error: Int64 = 2

    fileprivate mutating func span(_ span: Span) {
        beginObject()
        text("traceId", span.context.traceID)
        text("spanId", span.context.spanID)
        if let parent = span.parent { text("parentSpanId", parent.spanID) }
        name("flags")
        int(Int64(span.context.flags) | Self.knowsRemote | (span.isParentRemote ? Self.isRemote : 0))
        text("name", span.name)
        name("kind")
        int(span.kind.rawValue)
        text("startTimeUnixNano", "\(span.start)000000")
        text("endTimeUnixNano", "\(span.end)000000")
        attributes(span.attributes)
        name("status")
        beginObject()
        if let failure = span.failure {
            text("message", failure)
            name("code")
            int(Self.error)
        }
        endObject()
        endObject()
    }

    fileprivate mutating func attributes(_ attributes: [(name: String, value: Span.Value)]) {
        list("attributes") { json in
            for (name, value) in attributes {
                json.beginObject()
                json.text("key", name)
                json.name("value")
                json.beginObject()
                switch value {
                case .string(let text): json.text("stringValue", text)
                case .int(let number): json.text("intValue", "\(number)")
                }
                json.endObject()
                json.endObject()
            }
        }
    }

    fileprivate mutating func list(_ name: String, _ elements: (inout JSONWriter) -> Void) {
        self.name(name)
        beginArray()
        elements(&self)
        endArray()
    }

    fileprivate mutating func text(_ name: String, _ value: String) {
        self.name(name)
        string(value)
    }
}
