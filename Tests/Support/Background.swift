import Foundation
import Synchronization

/// Work on a thread of its own, which blocks nobody else's: the cooperative pool has no thread to spare for a test that waits.
public final class Background<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)

    /// Begins at once.
    public init(_ work: @escaping @Sendable () throws -> Value) {
        Thread {
            let result = Result { try work() }
            self.outcome.withLock { $0 = result }
            self.done.signal()
        }.start()
    }

    /// Waits for the outcome.
    public var value: Value {
        get throws {
            done.wait()
            done.signal()
            guard let result = outcome.withLock({ $0 }) else { throw TestBedError("no outcome") }
            return try result.get()
        }
    }
}
