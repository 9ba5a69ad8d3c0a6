internal import Audit
internal import Dispatch
internal import JobProtocol
internal import Logging
internal import Synchronization
internal import Telemetry

/// Group commit: everything that is waiting goes to disk in one transaction, and is answered after it.
///
/// One thread writes. Under load the number of commits stays that of the disk while the number of operations in each grows.
final class CommitQueue<Store: CommitStore>: Sendable {
    /// The database as an operation sees it.
    typealias Connection = Store.Connection

    private struct Operation: Sendable {
        /// What it decides on.
        let keys: [String]
        /// Returns what is to be recorded with it.
        let run: @Sendable (Connection) -> [AuditEvent]
        /// Answers; returns what it answered with.
        let done: @Sendable ((any Error)?) -> (any Error)?
    }

    /// What becomes of one more operation.
    private enum Next { case refuse, commit, plan, nothing }

    private struct Waiting {
        var operations: [Operation] = []
        /// A commit is on its way that will take them all.
        var isCommitting = false
        /// One is planned for what is in no hurry.
        var isPlanned = false
    }

    private let store: Store
    private struct Doubt: Sendable {
        /// The transaction's.
        let number: Int64
        /// What it has recorded.
        let batch: AuditBatch?
        let keys: [String]
    }

    /// The commit in doubt.
    private let doubt = Mutex<Doubt?>(nil)
    /// Decided on by commits in doubt that did stand: who asked was told that they failed.
    private let stranded = Mutex<[String]>([])
    private let thread = DispatchQueue(label: "sallyport.journal")
    private let waiting = Mutex(Waiting())
    private let audit: AuditTrail
    /// How long each commit took.
    private let duration: Histogram?
    /// What the disk said of the last write, when it was not taken.
    private let lastFailure = Mutex<(error: JournalError, at: Int64)?>(nil)

    /// Why the journal cannot be written, and since when; nil when the last write was taken.
    var failure: (error: JournalError, at: Int64)? { lastFailure.withLock { $0 } }

    init(_ store: Store, audit: AuditTrail, duration: Histogram? = nil) {
        self.duration = duration
        self.store = store
        self.audit = audit
    }

    /// Runs `body` inside the next transaction and returns its result once that is durable.
    ///
    /// - Throws: ``JournalError`` when the body failed (its own changes are undone, the others' stand), the commit failed, or too
    ///   many operations wait.
    func perform<T: Sendable>(
        _ step: String, _ body: @escaping @Sendable (Connection) throws -> T
    ) async throws(JournalError) -> T {
        try await record(step) { connection, _ in try body(connection) }
    }

    /// The same; the events that `body` adds become records of the audit log in the same transaction, or are undone with it.
    ///
    /// - Parameter keys: what it decides on: no other executor decides on one of them at the same time.
    func record<T: Sendable>(
        _ step: String, keys: [String] = [], _ body: @escaping @Sendable (Connection, inout [AuditEvent]) throws -> T
    ) async throws(JournalError) -> T {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<T, any Error>, Never>) in
            enqueue(body, keys: keys, inHurry: true) { continuation.resume(returning: $0) }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw store.error(step, error)
        }
    }

    /// Runs `body` inside the next transaction, or in one of its own after ``CommitLimits/leisure``; left out when too many operations wait.
    /// `failed` is told when it was left out or undone.
    func add(
        _ body: @escaping @Sendable (Connection, inout [AuditEvent]) throws -> Void,
        failed: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        enqueue(body, keys: [], inHurry: false) { if case .failure(let error) = $0 { failed(error) } }
    }

    private func enqueue<T: Sendable>(
        _ body: @escaping @Sendable (Connection, inout [AuditEvent]) throws -> T, keys: [String], inHurry: Bool,
        _ answer: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        let outcome = Mutex<Result<T, any Error>?>(nil)
        let box = Box(outcome)
        let operation = Operation(
            keys: keys,
            run: { connection in
                let (result, events) = self.apart(connection, body)
                box.value.withLock { $0 = result }
                return events
            },
            done: { error in
                let result = box.value.withLock { $0 }
                // A full disk ends the whole transaction: what the operation itself met says more than that the commit failed.
                if case .failure(let own)? = result {
                    answer(.failure(own))
                    return own
                }
                answer(error.map { .failure($0) } ?? result ?? .failure(CommitQueueError.notRun))
                return error
            })
        let next = waiting.withLock { waiting -> Next in
            guard waiting.operations.count < CommitLimits.waiting else { return .refuse }
            waiting.operations.append(operation)
            if waiting.isCommitting { return .nothing }
            if inHurry {
                waiting.isCommitting = true
                return .commit
            }
            defer { waiting.isPlanned = true }
            return waiting.isPlanned ? .nothing : .plan
        }
        switch next {
        case .refuse: answer(.failure(CommitQueueError.full))
        case .commit: thread.async { self.commit() }
        case .plan:
            thread.asyncAfter(deadline: .now() + CommitLimits.leisure) {
                self.waiting.withLock { $0.isPlanned = false }
                self.commit()
            }
        case .nothing: break
        }
    }

    private func apart<T>(
        _ connection: Connection, _ body: (Connection, inout [AuditEvent]) throws -> T
    ) -> (Result<T, any Error>, [AuditEvent]) {
        var events: [AuditEvent] = []
        do {
            let value = try store.apart(connection) { try body($0, &events) }
            return (.success(value), events)
        } catch {
            return (.failure(error), [])
        }
    }

    /// Adds to the audit log with what is committed next; what becomes of it is logged when it fails.
    func recordLater(_ audited: [AuditEvent], _ logger: Logger) {
        let audit = audit
        add { _, events in
            try audit.admit()
            events += audited
        } failed: { error in
            logger.error(
                "not recorded in the audit log",
                metadata: ["kinds": "\(audited.map(\.kind).joined(separator: ", "))", "error": "\(error)"])
        }
    }

    /// Writes what waits, runs `then`, and writes `body`, whether that works or not. Blocks.
    func last(then: () -> Void, _ body: (Connection) throws -> Void) {
        thread.sync {
            while !waiting.withLock({ $0.operations.isEmpty }) { commit() }
            then()
            _ = try? store.write(body)
        }
    }

    private func commit() {
        let limit = store.maximumBatch
        let batch = waiting.withLock { waiting in
            guard waiting.operations.count > limit else {
                defer { waiting.operations.removeAll(keepingCapacity: true) }
                waiting.isCommitting = false
                return waiting.operations
            }
            defer { waiting.operations.removeFirst(limit) }
            waiting.isCommitting = true
            return Array(waiting.operations.prefix(limit))
        }
        defer { if batch.count == limit { thread.async { self.commit() } } }
        guard !batch.isEmpty else { return }
        var failure: (any Error)?
        var isWritten = false
        let begun = ContinuousClock.now
        var recorded: AuditBatch?
        do {
            try settle()
            isWritten = try store.write { connection in
                try store.reserve(connection, batch.flatMap(\.keys))
                recorded = try audit.stage(batch.flatMap { $0.run(connection) }, store.audit(connection))
            }
            if let recorded { audit.committed(recorded) }
        } catch let error as CommitInDoubt {
            // Of one before it nothing was written since.
            doubt.withLock { $0 = $0 ?? Doubt(number: error.number, batch: recorded, keys: batch.flatMap(\.keys)) }
            failure = error
        } catch {
            failure = error
        }
        // One that only looked is none.
        if isWritten || failure != nil { duration?.observe((ContinuousClock.now - begun) / .seconds(1)) }
        let since = lastFailure.withLock { $0?.at } ?? WallClock.now()
        // Before anybody is answered, who may look at once.
        if let failure { keep(failure, since: since) } else if isWritten { lastFailure.withLock { $0 = nil } }
        for operation in batch { if let error = operation.done(failure) { keep(error, since: since) } }
    }

    /// Keeps a failure that an operator can do something about.
    private func keep(_ failure: any Error, since: Int64) {
        let error = store.error("write", failure)
        if error.cause != .other { lastFailure.withLock { $0 = (error, since) } }
    }

    /// The audit log goes on from what the last commit has recorded: nothing is written before it is known whether that stands.
    private func settle() throws {
        guard let doubt = doubt.withLock({ $0 }) else { return }
        if try store.hasCommitted(doubt.number) {
            if let batch = doubt.batch { audit.committed(batch) }
            stranded.withLock { $0 += doubt.keys }
        }
        self.doubt.withLock { $0 = nil }
    }

    /// Keys of writes that stand although they were said to have failed, until they are forgotten.
    var strandedKeys: [String] { stranded.withLock { $0 } }

    /// The first `count` of these are dealt with.
    func forgetStranded(_ count: Int) { stranded.withLock { $0.removeFirst(count) } }

    private final class Box<T: Sendable>: Sendable {
        let value: Mutex<Result<T, any Error>?>
        init(_ value: consuming Mutex<Result<T, any Error>?>) { self.value = value }
    }
}

/// How much may wait for a commit, and for how long.
enum CommitLimits {
    /// Operations that may wait; one more is refused.
    static let waiting = 4096
    /// How long an operation that is in no hurry waits for others to go with.
    static let leisure = DispatchTimeInterval.milliseconds(100)
}

/// Why an operation never reached the database.
enum CommitQueueError: Error, CustomStringConvertible {
    case full
    case notRun

    var description: String {
        switch self {
        case .full: "\(CommitLimits.waiting) writes are waiting for the disk already"
        case .notRun: "the transaction ended before this write"
        }
    }
}
