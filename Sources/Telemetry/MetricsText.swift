/// Writes metrics in Prometheus' text format 0.0.4
/// (https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md).
struct MetricsText {
    enum Kind: Sendable {
        case counter(CounterFamily)
        case gauge(labels: [String], @Sendable () -> [(labels: [String], value: Double)])
        case histogram(HistogramFamily)
    }

    private(set) var text = ""

    mutating func append(_ name: String, help: String, _ kind: Kind) {
        text += "# HELP \(name) \(Self.escape(help, quotes: false))\n# TYPE \(name) "
        switch kind {
        case .counter(let family):
            text += "counter\n"
            for (values, counter) in family.members.sorted {
                sample(name, zip(family.members.labels, values), "\(counter.value)")
            }
        case .gauge(let labels, let samples):
            text += "gauge\n"
            let complete = samples().filter { $0.labels.count == labels.count }
            for (values, value) in complete.sorted(by: { $0.labels.lexicographicallyPrecedes($1.labels) }) {
                sample(name, zip(labels, values), Self.number(value))
            }
        case .histogram(let family):
            text += "histogram\n"
            for (values, histogram) in family.members.sorted {
                buckets(name, Array(zip(family.members.labels, values)), histogram)
            }
        }
    }

    private mutating func buckets(_ name: String, _ labels: [(String, String)], _ histogram: Histogram) {
        let state = histogram.snapshot
        var total = 0
        for (bound, count) in zip(histogram.bounds, state.counts) {
            total += count
            sample(name + "_bucket", labels + [("le", Self.number(bound))], "\(total)")
        }
        sample(name + "_bucket", labels + [("le", "+Inf")], "\(state.count)")
        sample(name + "_sum", labels, Self.number(state.sum))
        sample(name + "_count", labels, "\(state.count)")
    }

    private mutating func sample(_ name: String, _ labels: some Sequence<(String, String)>, _ value: String) {
        let pairs = labels.map { "\($0)=\"\(Self.escape($1, quotes: true))\"" }.joined(separator: ",")
        text += pairs.isEmpty ? "\(name) \(value)\n" : "\(name){\(pairs)} \(value)\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
