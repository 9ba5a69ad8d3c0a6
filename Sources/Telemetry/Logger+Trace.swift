public import Logging

extension Logger.Metadata {
    /// With the ids of a span, by their names in ECS; without where there is no trace.
    public func traced(_ context: TraceContext?) -> Logger.Metadata {
        guard let context else { return self }
        return merging(["trace.id": "\(context.traceID)", "span.id": "\(context.spanID)"]) { $1 }
    }
}
