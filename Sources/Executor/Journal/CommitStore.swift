internal import Audit

/// What a ``CommitQueue`` writes to: a database that is used by one thread.
protocol CommitStore: Sendable {
    /// The database as a transaction sees it.
    associatedtype Connection

    /// Names the journal in errors.
    var place: String { get }

    /// Runs `body` within a transaction that is durable on return. Blocks.
    ///
    /// - Parameter body: may be run again where the transaction must be.
    /// - Returns: false when nothing was changed.
    /// - Throws: what `body` or the database has thrown; then nothing of it stands.
    func write(_ body: (Connection) throws -> Void) throws -> Bool

    /// Runs `body` within a transaction; what it has changed is undone when it throws, and the rest of the transaction stands.
    func apart<T>(_ connection: Connection, _ body: (Connection) throws -> T) throws -> T

    /// The audit records that the transaction sees.
    func audit(_ connection: Connection) -> any AuditTable

    /// What an operator is told of an error.
    func error(_ step: String, _ error: any Error) -> JournalError
}

/// Where the journal keeps audit records on their way to the log, as a transaction sees it.
protocol AuditTable {
    /// Adds the records of the transaction.
    func insert(_ batch: AuditBatch) throws

    /// Takes out what stands in the log's file under that checkpoint, but for the newest, which tells the tree.
    func remove(coveredBy checkpoint: Checkpoint) throws
}
