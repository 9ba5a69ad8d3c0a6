internal import Audit
internal import ProtocolMessages
internal import Synchronization

/// Gives events their place in the log, within the transaction of what they are about: both are durable, or neither.
///
/// Its file is written from there, by a thread of its own: no job waits for that.
final class AuditTrail: Sendable {
    private struct State {
        var tree: MerkleFrontier
        /// The newest checkpoint that the journal was told of.
        var told: UInt64 = 0
    }

    private let state: Mutex<State>
    private let writer: AuditWriter

    init(tree: MerkleFrontier, writer: AuditWriter) {
        state = Mutex(State(tree: tree))
        self.writer = writer
    }

    /// - Throws: ``AuditError`` when nothing new may be begun, because the log has no room or cannot be written.
    func admit() throws(AuditError) { try writer.admit() }

    /// Writes the events into the journal, in a transaction that the caller commits. Nil when there are none.
    func stage(_ events: [AuditEvent], _ table: any AuditTable) throws -> AuditBatch? {
        guard !events.isEmpty else { return nil }
        let batch = state.withLock { AuditBatch(events, after: $0.tree) }
        try table.insert(batch)
        if let checkpoint = writer.checkpoint, state.withLock({ $0.told < checkpoint.size }) {
            try table.remove(coveredBy: checkpoint)
            // Told once more if the transaction fails: a later checkpoint is told anyway.
            state.withLock { $0.told = checkpoint.size }
        }
        return batch
    }

    /// The transaction is durable.
    func committed(_ batch: AuditBatch) {
        state.withLock { $0.tree = batch.tree }
        writer.add(batch)
    }

    /// How it is.
    var status: WireAuditStatus {
        var status = writer.status
        status.records = state.withLock { $0.tree.size }
        return status
    }

    /// Writes everything out and signs it. Blocks; call when nothing is recorded any more.
    func close() { writer.close() }
}
