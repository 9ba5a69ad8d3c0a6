internal import Synchronization

/// The process's metrics, and their text for Prometheus.
///
/// A name or label that is not as it must be is an error at registration, never rewritten. It is not the API of swift-metrics, in which a
/// metric has no help text, no buckets and no labels that are known beforehand: what bounds a family and describes it stands here where it
/// is made.
public final class MetricsRegistry: Sendable {
    private struct Family: Sendable {
        let help: String
        let kind: MetricsText.Kind
    }

    private let families = Mutex<[String: Family]>([:])

    /// An empty registry.
    public init() {}

    /// A family of counters; the name ends in `_total`.
    ///
    /// - Throws: ``MetricsError`` for a name or label that Prometheus would not take, or a name that is taken.
    public func counter(_ name: String, help: String, labels: [String] = []) throws(MetricsError) -> CounterFamily {
        guard name.hasSuffix("_total") else { throw MetricsError("counter \(name) must end in _total") }
        try check(labels, of: name)
        let family = CounterFamily(labels: labels)
        try register(name, Family(help: help, kind: .counter(family)))
        return family
    }

    /// A value that is asked for when somebody looks.
    ///
    /// - Throws: ``MetricsError`` as ``counter(_:help:labels:)``.
    public func gauge(_ name: String, help: String, _ value: @escaping @Sendable () -> Double) throws(MetricsError) {
        try gauges(name, help: help, labels: []) { [([], value())] }
    }

    /// Values that differ in their labels, asked for when somebody looks; each with as many label values as there are labels, and no
    /// labels twice.
    ///
    /// - Throws: ``MetricsError`` as ``counter(_:help:labels:)``.
    public func gauges(
        _ name: String, help: String, labels: [String], _ samples: @escaping @Sendable () -> [(labels: [String], value: Double)]
    ) throws(MetricsError) {
        guard !name.hasSuffix("_total") else { throw MetricsError("gauge \(name) must not end in _total") }
        try check(labels, of: name)
        try register(name, Family(help: help, kind: .observed(.gauge, labels: labels, samples)))
    }

    /// A count that somebody else keeps, asked for when somebody looks; it must only grow. The name ends in `_total`.
    ///
    /// - Throws: ``MetricsError`` as ``counter(_:help:labels:)``.
    public func observedCounter(_ name: String, help: String, _ value: @escaping @Sendable () -> Int) throws(MetricsError) {
        guard name.hasSuffix("_total") else { throw MetricsError("counter \(name) must end in _total") }
        try register(name, Family(help: help, kind: .observed(.counter, labels: []) { [([], Double(value()))] }))
    }

    /// A histogram; the name ends in its unit. `bounds` rise; the bucket for everything above is added.
    ///
    /// - Throws: ``MetricsError`` as ``counter(_:help:labels:)``, or for bounds that do not rise.
    public func histogram(_ name: String, help: String, bounds: [Double] = Histogram.seconds) throws(MetricsError) -> Histogram {
        try histograms(name, help: help, labels: [], bounds: bounds).with()
    }

    /// A family of histograms.
    ///
    /// - Throws: ``MetricsError`` as ``histogram(_:help:bounds:)``.
    public func histograms(
        _ name: String, help: String, labels: [String], bounds: [Double] = Histogram.seconds
    ) throws(MetricsError) -> HistogramFamily {
        guard !bounds.isEmpty, bounds.allSatisfy(\.isFinite), zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw MetricsError("the bounds of \(name) must be finite and rise")
        }
        guard !name.hasSuffix("_total"), !labels.contains("le") else {
            throw MetricsError("histogram \(name) must not end in _total nor have a label le")
        }
        try check(labels, of: name)
        let family = HistogramFamily(labels: labels, bounds: bounds)
        try register(name, Family(help: help, kind: .histogram(family)))
        return family
    }

    private func check(_ labels: [String], of name: String) throws(MetricsError) {
        for label in labels where !Self.isName(label) || label.hasPrefix("__") {
            throw MetricsError("label \(label) of \(name) is not valid")
        }
        if let taken = labels.first(where: ["job", "instance"].contains) {
            throw MetricsError("label \(taken) of \(name) is Prometheus' own: it would be shown as exported_\(taken)")
        }
        guard Set(labels).count == labels.count else { throw MetricsError("a label of \(name) is there twice") }
    }

    private func register(_ name: String, _ family: Family) throws(MetricsError) {
        guard Self.isName(name) else { throw MetricsError("metric name \(name) is not valid") }
        let taken: String? = families.withLock { families in
            let names = Self.series(name, family.kind)
            for (other, otherFamily) in families where !names.isDisjoint(with: Self.series(other, otherFamily.kind)) {
                return other
            }
            families[name] = family
            return nil
        }
        if let taken { throw MetricsError("metric \(name) collides with \(taken), which is registered already") }
    }

    /// The names under which a metric is shown: a histogram takes more than its own, a counter that of its family in OpenMetrics.
    private static func series(_ name: String, _ kind: MetricsText.Kind) -> Set<String> {
        switch kind {
        case .histogram: [name, name + "_bucket", name + "_sum", name + "_count"]
        case .counter, .observed(.counter, _, _): [name, MetricsText.family(ofCounter: name)]
        case .observed(.gauge, _, _): [name]
        }
    }

    /// All metrics, sorted by name.
    public func text(_ format: MetricsFormat = .text) -> String {
        var text = MetricsText(format)
        for (name, family) in families.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            text.append(name, help: family.help, family.kind)
        }
        text.end()
        return text.text
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
