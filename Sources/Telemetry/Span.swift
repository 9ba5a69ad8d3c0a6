/// Something that took its time, as OpenTelemetry's traces have it.
public struct Span: Sendable {
    /// Its part in the exchange with whoever is at its other end; the numbers are those of opentelemetry-proto.
    public enum Kind: Int64, Sendable {
        /// A request to somebody else.
        case client = 3
        /// Work on a message, which may go on after its sender was answered.
        case consumer = 5
    }

    /// What is known of it.
    public enum Value: Sendable, Equatable {
        case string(String)
        case int(Int64)
    }

    /// The trace, and the span's own id.
    public let context: TraceContext
    /// The span that it belongs to; nil for the first of a trace.
    public let parent: TraceContext?
    /// The parent is another process's.
    public let isParentRemote: Bool
    /// From a bounded set: what differs from one to the next are attributes.
    public let name: String
    /// Its part in the exchange.
    public let kind: Kind
    /// Unix milliseconds.
    public let start: Int64
    /// Unix milliseconds; not before ``start``.
    public let end: Int64
    /// By their names in OpenTelemetry's semantic conventions, where there is one.
    public let attributes: [(name: String, value: Value)]
    /// Why it is not good; nil when it is.
    public let failure: String?

    /// All of it at once: a span is written when it has ended.
    public init(
        _ name: String, _ kind: Kind, _ context: TraceContext, in parent: TraceContext?, isParentRemote: Bool, from start: Int64,
        to end: Int64, failure: String?, _ attributes: [(name: String, value: Value)]
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.isParentRemote = isParentRemote
        self.start = start
        self.end = max(start, end)
        self.failure = failure
        self.attributes = attributes
    }
}
