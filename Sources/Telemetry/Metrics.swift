internal import Synchronization

/// A count that only grows.
public final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    init() {}

    /// Adds to it; less than one is not added.
    public func increment(by amount: Int = 1) {
        guard amount > 0 else { return }
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The count now.
    public var value: Int { count.load(ordering: .relaxed) }
}

/// How a quantity is distributed over fixed buckets.
public final class Histogram: Sendable {
    /// Upper bounds in seconds, from a millisecond to five minutes.
    public static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

    /// For what commands take, and waits for them: 10 milliseconds to an hour.
    public static let commandSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600]

    /// For what a disk takes: 100 microseconds to 10 seconds.
    public static let diskSeconds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]

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

    /// Notes one observation; what is no number is left out.
    public func observe(_ value: Double) {
        guard !value.isNaN else { return }
        state.withLock { state in
            if let index = bounds.firstIndex(where: { value <= $0 }) { state.counts[index] += 1 }
            state.sum += value
            state.count += 1
        }
    }

    var snapshot: State { state.withLock { $0 } }
}

/// Counters of one name that differ in their labels. Label values must come from bounded sets: settings and code, never a sender.
public final class CounterFamily: Sendable {
    /// Label combinations of one family; what is beyond counts under `other`.
    public static let maximumCombinations = 4096

    let members: LabelledMembers<Counter>

    init(labels: [String]) { members = LabelledMembers(labels: labels) { Counter() } }

    /// The counter for these label values, in the order the labels were registered; as many values as labels. Callers keep it where
    /// they count often.
    public func with(_ values: String...) -> Counter { members.member(values) }
}

/// Histograms of one name and the same bounds that differ in their labels, as ``CounterFamily``.
public final class HistogramFamily: Sendable {
    let members: LabelledMembers<Histogram>

    init(labels: [String], bounds: [Double]) { members = LabelledMembers(labels: labels) { Histogram(bounds: bounds) } }

    /// The histogram for these label values, in the order the labels were registered; as many values as labels.
    public func with(_ values: String...) -> Histogram { members.member(values) }
}

/// The members of a family, made when they are first asked for, and limited in number.
final class LabelledMembers<Member: Sendable>: Sendable {
    let labels: [String]
    private let make: @Sendable () -> Member
    private let members = Mutex<[[String]: Member]>([:])

    init(labels: [String], make: @escaping @Sendable () -> Member) {
        self.labels = labels
        self.make = make
        // What has no labels is shown from the start, as zero.
        if labels.isEmpty { _ = member([]) }
    }

    func member(_ values: [String]) -> Member {
        precondition(values.count == labels.count, "a metric with labels \(labels) was asked for with \(values.count) values")
        return members.withLock { members in
            if let member = members[values] { return member }
            let key = members.count < CounterFamily.maximumCombinations ? values : values.map { _ in "other" }
            let member = members[key] ?? make()
            members[key] = member
            return member
        }
    }

    var sorted: [(values: [String], member: Member)] {
        members.withLock { $0.map { ($0.key, $0.value) } }.sorted { $0.values.lexicographicallyPrecedes($1.values) }
    }
}
