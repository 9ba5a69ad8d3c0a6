internal import Synchronization

/// The deliveries that wait for their answer, or the readers of streams, so that a stop can end their wait.
final class WaitingDeliveries: Sendable {
    private let waits = Mutex<[UInt64: @Sendable () -> Void]>([:])

    /// - Parameter end: answers the delivery as its time limit would.
    func add(_ number: UInt64, end: @escaping @Sendable () -> Void) { waits.withLock { $0[number] = end } }

    func remove(_ number: UInt64) { waits.withLock { $0[number] = nil } }

    /// Ends every wait.
    func end() {
        for end in waits.withLock({ Array($0.values) }) { end() }
    }
}
