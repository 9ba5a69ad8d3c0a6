internal import Dispatch
internal import GRDB
internal import Synchronization

/// Group commit: everything that is waiting goes to disk in one transaction, and is answered after it.
///
/// One thread writes. Under load the number of commits stays that of the disk while the number of operations in each grows.
final class CommitQueue: Sendable {
    /// Operations that may wait; one more is refused.
    static let maximumWaiting = 4096

    private struct Operation: Sendable {
        let run: @Sendable (Database) -> Void
        let done: @Sendable ((any Error)?) -> Void
    }

    private struct Waiting {
        var operations: [Operation] = []
        /// A commit is on its way that will take them all.
        var isCommitting = false
    }

    /// How long an operation that is in no hurry waits for others to go with.
    static let leisure = DispatchTimeInterval.milliseconds(100)

    private let database: DatabaseQueue
    private let thread = DispatchQueue(label: "sallyport.journal")
    private let waiting = Mutex(Waiting())
    private let path: String

    init(_ database: DatabaseQueue, path: String) {
        self.database = database
        self.path = path
    }

    /// Runs `body` inside the next transaction and returns its result once that is durable.
    ///
    /// - Parameter inHurry: false lets it wait for the next operation that is, at most ``leisure``.
    /// - Throws: ``JournalError`` when the body failed (its own changes are undone, the others' stand), the commit failed, or too
    ///   many operations wait.
    func perform<T: Sendable>(
        _ step: String, inHurry: Bool = true, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws(JournalError) -> T {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<T, any Error>, Never>) in
            enqueue(body, inHurry) { continuation.resume(returning: $0) }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw JournalError(step: step, path: path, underlying: "\(error)")
        }
    }

    private func enqueue<T: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> T, _ inHurry: Bool,
        _ answer: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        let outcome = Mutex<Result<T, any Error>?>(nil)
        let box = Box(outcome)
        let operation = Operation(
            run: { database in
                box.value.withLock { $0 = Self.savepoint(database, body) }
            },
            done: { error in
                let result = box.value.withLock { $0 }
                if let error { answer(.failure(error)) } else { answer(result ?? .failure(CommitQueueError.notRun)) }
            })
        let (begins, isFull) = waiting.withLock { waiting in
            guard waiting.operations.count < Self.maximumWaiting else { return (false, true) }
            waiting.operations.append(operation)
            guard inHurry, !waiting.isCommitting else { return (false, false) }
            waiting.isCommitting = true
            return (true, false)
        }
        if isFull { return answer(.failure(CommitQueueError.full)) }
        if begins { thread.async { self.commit() } }
        if !inHurry { thread.asyncAfter(deadline: .now() + Self.leisure) { self.commit() } }
    }

    private static func savepoint<T>(_ database: Database, _ body: (Database) throws -> T) -> Result<T, any Error> {
        Result {
            var value: T?
            try database.inSavepoint {
                value = try body(database)
                return .commit
            }
            guard let value else { throw CommitQueueError.notRun }
            return value
        }
    }

    private func commit() {
        let batch = waiting.withLock { waiting in
            defer { waiting.operations.removeAll(keepingCapacity: true) }
            waiting.isCommitting = false
            return waiting.operations
        }
        guard !batch.isEmpty else { return }
        var failure: (any Error)?
        do {
            try database.inDatabase { database in
                try database.inTransaction(.immediate) {
                    for operation in batch { operation.run(database) }
                    return .commit
                }
            }
        } catch {
            failure = error
        }
        for operation in batch { operation.done(failure) }
    }

    private final class Box<T: Sendable>: Sendable {
        let value: Mutex<Result<T, any Error>?>
        init(_ value: consuming Mutex<Result<T, any Error>?>) { self.value = value }
    }
}

/// Why an operation never reached the database.
enum CommitQueueError: Error, CustomStringConvertible {
    case full
    case notRun

    var description: String {
        switch self {
        case .full: "\(CommitQueue.maximumWaiting) writes are waiting for the disk already"
        case .notRun: "the transaction ended before this write"
        }
    }
}
