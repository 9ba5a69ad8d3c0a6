internal import Synchronization

/// The process's metrics, and their text for Prometheus (exposition format 0.0.4).
public final class MetricsRegistry: Sendable {
    /// What Prometheus must be told the text is.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private enum Kind: Sendable {
        case counter(CounterFamily)
        case gauge(@Sendable () -> Double)
        case histogram(Histogram)
    }

    private struct Family: Sendable {
        let help: String
        let kind: Kind
    }

    private let families = Mutex<[String: Family]>([:])

    /// An empty registry.
    public init() {}

    /// A family of counters; the name ends in `_total`.
    ///
    /// - Throws: ``MetricsError`` for a name or label that Prometheus would not take, or a name that is taken.
    public func counter(_ name: String, help: String, labels: [String] = []) throws(MetricsError) -> CounterFamily {
        for label in labels where !Self.isName(label) || label.hasPrefix("__") { throw MetricsError("label \(label) of \(name) is not valid") }
        let family = CounterFamily(labels: labels)
        try register(name, Family(help: help, kind: .counter(family)))
        return family
    }

    /// A value that is asked for when somebody looks.
    public func gauge(_ name: String, help: String, _ value: @escaping @Sendable () -> Double) throws(MetricsError) {
        try register(name, Family(help: help, kind: .gauge(value)))
    }

    /// A histogram; the name ends in its unit.
    public func histogram(_ name: String, help: String, bounds: [Double] = Histogram.seconds) throws(MetricsError) -> Histogram {
        let histogram = Histogram(bounds: bounds.sorted())
        try register(name, Family(help: help, kind: .histogram(histogram)))
        return histogram
    }

    private func register(_ name: String, _ family: Family) throws(MetricsError) {
        guard Self.isName(name) else { throw MetricsError("metric name \(name) is not valid") }
        let isNew = families.withLock { families in
            guard families[name] == nil else { return false }
            families[name] = family
            return true
        }
        guard isNew else { throw MetricsError("metric \(name) is registered twice") }
    }

    /// All metrics, sorted by name.
    public var text: String {
        var text = ""
        for (name, family) in families.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(Self.escape(family.help, quotes: false))\n"
            switch family.kind {
            case .counter(let counters):
                text += "# TYPE \(name) counter\n"
                for sample in counters.samples {
                    text += "\(name)\(Self.labels(counters.labels, sample.values)) \(sample.count)\n"
                }
            case .gauge(let value): text += "# TYPE \(name) gauge\n\(name) \(value())\n"
            case .histogram(let histogram): text += "# TYPE \(name) histogram\n" + Self.buckets(name, histogram)
            }
        }
        return text
    }

    private static func buckets(_ name: String, _ histogram: Histogram) -> String {
        let state = histogram.snapshot
        var text = ""
        var total = 0
        for (bound, count) in zip(histogram.bounds, state.counts) {
            total += count
            text += "\(name)_bucket{le=\"\(bound)\"} \(total)\n"
        }
        return text + "\(name)_bucket{le=\"+Inf\"} \(state.count)\n\(name)_sum \(state.sum)\n\(name)_count \(state.count)\n"
    }

    private static func labels(_ names: [String], _ values: [String]) -> String {
        guard !names.isEmpty else { return "" }
        return "{" + zip(names, values).map { "\($0)=\"\(escape($1, quotes: true))\"" }.joined(separator: ",") + "}"
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == UInt8(ascii: "_")
        }
    }
}

/// A metric that cannot be registered: a mistake in the code, found at start.
public struct MetricsError: Error, CustomStringConvertible {
    /// For people.
    public let description: String
    init(_ description: String) { self.description = description }
}
