/// In which form metrics are shown.
public enum MetricsFormat: Sendable, Equatable {
    /// Prometheus' text format
    /// (https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md).
    case text
    /// OpenMetrics (https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md).
    case openMetrics

    static let openMetricsEnd = "# EOF\n"

    /// What `accept`, the values of the `Accept` fields, prefer (RFC 9110 section 12.5.1). OpenMetrics must be asked for by name, in the
    /// version that is written here.
    public init(accept: [String]) {
        var best = (text: 0.0, openMetrics: 0.0)
        for range in accept.flatMap({ $0.split(separator: ",") }) {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            func parameter(_ name: String) -> Substring? {
                parts.dropFirst().first { $0.hasPrefix(name + "=") }?.dropFirst(name.count + 1)
            }
            let quality = parameter("q").map { Double($0) ?? 0 } ?? 1
            switch parts.first {
            case "application/openmetrics-text" where ["1.0.0", nil].contains(parameter("version")):
                best.openMetrics = max(best.openMetrics, quality)
            case "text/plain": best.text = max(best.text, quality)
            default: continue
            }
        }
        self = best.openMetrics > 0 && best.openMetrics >= best.text ? .openMetrics : .text
    }

    /// That of a whole text.
    public init(of text: String) { self = text.hasSuffix(Self.openMetricsEnd) ? .openMetrics : .text }

    /// The value of `Content-Type`.
    public var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}
