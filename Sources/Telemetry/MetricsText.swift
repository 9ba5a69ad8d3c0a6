/// Writes metrics in one of the forms that Prometheus reads.
struct MetricsText {
    enum Kind: Sendable {
        case counter(CounterFamily)
        case observed(Observed, labels: [String], @Sendable () -> [(labels: [String], value: Double)])
        case histogram(HistogramFamily)
    }

    /// The type of what is asked for when somebody looks.
    enum Observed: String, Sendable { case counter, gauge }

    private(set) var text = ""
    private let format: MetricsFormat

    init(_ format: MetricsFormat) { self.format = format }

    mutating func append(_ name: String, help: String, _ kind: Kind) {
        switch kind {
        case .counter(let family):
            head(name, help, "counter")
            for (values, counter) in family.members.sorted {
                sample(name, zip(family.members.labels, values), "\(counter.value)")
            }
        case .observed(let type, let labels, let samples):
            head(name, help, type.rawValue)
            let complete = samples().filter { $0.labels.count == labels.count }
            for (values, value) in complete.sorted(by: { $0.labels.lexicographicallyPrecedes($1.labels) }) {
                sample(name, zip(labels, values), Self.number(value))
            }
        case .histogram(let family):
            head(name, help, "histogram")
            for (values, histogram) in family.members.sorted {
                buckets(name, Array(zip(family.members.labels, values)), histogram)
            }
        }
    }

    /// Nothing comes after it.
    mutating func end() { if format == .openMetrics { text += MetricsFormat.openMetricsEnd } }

    /// OpenMetrics names a family of counters without the ending that its samples have, and escapes quotes in every text.
    private mutating func head(_ name: String, _ help: String, _ type: String) {
        let isOpen = format == .openMetrics
        let family = isOpen && type == "counter" ? Self.family(ofCounter: name) : name
        text += "# HELP \(family) \(Self.escape(help, quotes: isOpen))\n# TYPE \(family) \(type)\n"
    }

    static func family(ofCounter name: String) -> String { String(name.dropLast("_total".count)) }

    private mutating func buckets(_ name: String, _ labels: [(String, String)], _ histogram: Histogram) {
        let state = histogram.snapshot
        var total = 0
        for (bound, count) in zip(histogram.bounds, state.counts) {
            total += count
            // OpenMetrics has bounds as floating point numbers: 1.0.
            sample(name + "_bucket", labels + [("le", format == .openMetrics ? "\(bound)" : Self.number(bound))], "\(total)")
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
