internal import Synchronization

/// How many requests of one connection are unanswered; the ingress was told the limit and must keep it.
final class LinkCredit: Sendable {
    /// Unanswered requests on one connection.
    static let limit = 512

    private let unanswered = Atomic(0)

    /// Requests without their final answer.
    var count: Int { max(0, unanswered.load(ordering: .relaxed)) }

    /// False when the ingress has gone past the limit.
    func take() -> Bool {
        unanswered.add(1, ordering: .relaxed).newValue <= Self.limit
    }

    func giveBack() { unanswered.subtract(1, ordering: .relaxed) }
}
