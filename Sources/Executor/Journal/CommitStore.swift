internal import Audit

/// What a ``CommitQueue`` writes to: a database that is used by one thread.
protocol CommitStore: Sendable {
    /// The database as a transaction sees it.
    associatedtype Connection

    /// Names the journal in errors.
    var place: String { get }

    /// Operations that one transaction may have.
    var maximumBatch: Int { get }

    /// Runs `body` within a transaction that is durable on return. Blocks.
    ///
    /// - Parameter body: may be run again where the transaction must be.
    /// - Returns: false when nothing was changed.
    /// - Throws: what `body` or the database has thrown; then nothing of it stands, but with ``CommitInDoubt``.
    func write(_ body: (Connection) throws -> Void) throws -> Bool

    /// Whether a transaction whose commit was not answered stands.
    ///
    /// - Throws: ``CommitInDoubt`` while that cannot be known.
    func hasCommitted(_ number: Int64) throws -> Bool

    /// Keeps other executors from deciding on the same keys until the transaction ends. Called once, before its first operation.
    func reserve(_ connection: Connection, _ keys: [String]) throws

    /// Runs `body` within a transaction; what it has changed is undone when it throws, and the rest of the transaction stands.
    func apart<T>(_ connection: Connection, _ body: (Connection) throws -> T) throws -> T

    /// The audit records that the transaction sees.
    func audit(_ connection: Connection) -> any AuditTable

    /// What an operator is told of an error.
    func error(_ step: String, _ error: any Error) -> JournalError
}

/// A store of one executor alone, whose commits have an answer.
extension CommitStore {
    var maximumBatch: Int { .max }
    func hasCommitted(_ number: Int64) throws -> Bool { false }
    func reserve(_ connection: Connection, _ keys: [String]) throws {}
}

/// The answer to a commit did not come, and nobody can be asked now whether it stands.
struct CommitInDoubt: Error, CustomStringConvertible {
    /// Of the transaction.
    let number: Int64
    var description: String { "whether it was written is not known, for the database does not answer" }
}

/// Where the journal keeps audit records on their way to the log, as a transaction sees it.
protocol AuditTable {
    /// Adds the records of the transaction.
    func insert(_ batch: AuditBatch) throws

    /// Takes out what stands in the log's file under that checkpoint, but for the newest, which tells the tree.
    func remove(coveredBy checkpoint: Checkpoint) throws
}
