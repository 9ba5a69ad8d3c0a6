internal import Synchronization

/// The memory that bodies may take together: one sender's limit times the number of senders would be too much.
final class BodyMemory: Sendable {
    private let taken = Atomic(0)
    private let limit: Atomic<Int>

    /// - Parameter limit: bytes.
    init(limit: Int) { self.limit = Atomic(limit) }

    /// Bytes that are held now.
    var count: Int { taken.load(ordering: .relaxed) }

    /// Another limit from now on; what is held stays.
    func change(to limit: Int) { self.limit.store(limit, ordering: .relaxed) }

    /// False, and nothing is taken, when it would be more than the limit.
    func take(_ bytes: Int) -> Bool {
        guard taken.add(bytes, ordering: .relaxed).newValue > limit.load(ordering: .relaxed) else { return true }
        giveBack(bytes)
        return false
    }

    func giveBack(_ bytes: Int) { taken.subtract(bytes, ordering: .relaxed) }
}
