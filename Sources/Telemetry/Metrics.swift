internal import Synchronization

/// A count that only grows.
public final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    /// Adds to it.
    public func increment(by amount: Int = 1) { count.add(amount, ordering: .relaxed) }
    /// The count now.
    public var value: Int { count.load(ordering: .relaxed) }
}

/// Counters of one name that differ in their labels. Label values must come from bounded sets: settings and code, never a sender.
public final class CounterFamily: Sendable {
    /// Label combinations of one family; what is beyond counts under `other`.
    public static let maximumCombinations = 4096

    let labels: [String]
    private let counters = Mutex<[[String]: Counter]>([:])

    init(labels: [String]) { self.labels = labels }

    /// The counter for these label values, in the order the labels were registered.
    public func with(_ values: String...) -> Counter {
        counters.withLock { counters in
            if let counter = counters[values] { return counter }
            let key = counters.count < Self.maximumCombinations ? values : values.map { _ in "other" }
            let counter = counters[key] ?? Counter()
            counters[key] = counter
            return counter
        }
    }

    var samples: [(values: [String], count: Int)] {
        counters.withLock { $0.map { ($0.key, $0.value.value) } }.sorted { $0.values.lexicographicallyPrecedes($1.values) }
    }
}

/// How a quantity is distributed over fixed buckets.
public final class Histogram: Sendable {
    /// Upper bounds in seconds, from a millisecond to five minutes.
    public static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

    struct State {
        var counts: [Int]
        var sum = 0.0
        var count = 0
    }

    let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: bounds.map { _ in 0 }))
    }

    /// Notes one observation.
    public func observe(_ value: Double) {
        state.withLock { state in
            if let index = bounds.firstIndex(where: { value <= $0 }) { state.counts[index] += 1 }
            state.sum += value
            state.count += 1
        }
    }

    var snapshot: State { state.withLock { $0 } }
}
