internal import Audit
internal import Dispatch
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization

/// Writes committed records to the log's file, soon, and signs checkpoints of it.
///
/// The journal keeps them until a checkpoint covers them, so nothing is lost when this falls behind or the process ends.
final class AuditWriter: Sendable {
    /// How long records wait for others to be written with.
    static let leisure = DispatchTimeInterval.milliseconds(100)
    /// Between two tries to write what could not be written.
    static let pause = DispatchTimeInterval.seconds(2)
    /// Bytes of records without a checkpoint from which on one is signed, however few records that are.
    static let checkpointBytes = 8 * 1024 * 1024
    /// Bytes of records without a checkpoint from which on nothing new is accepted: they stand in the journal too.
    static let maximumUncovered = 32 * 1024 * 1024

    /// What the files have, and what they have not yet.
    struct State: Sendable {
        let directory: AuditDirectory
        var segment: AuditFile
        /// The first record that stands in it, or will.
        var first: UInt64
        var checkpoints: AuditFile
        /// Bytes of the files that are finished.
        var older: Int
        /// The tree over what stands in the file.
        var written: MerkleFrontier
        /// The newest checkpoint on disk.
        var checkpoint: Checkpoint?
        var waiting: [AuditBatch] = []
        var waitingBytes = 0
        /// When that was signed, in Unix milliseconds; 0 before this process has signed one.
        var signedAt: Int64 = 0
        /// Bytes that no checkpoint covers.
        var uncovered = 0
        var isPlanned = false
        var isDue = false
        /// What went wrong the last time; nil when all is well.
        var failure: AuditError?
        /// The disk has refused what was written. Nothing is known of it any more (fsync(2)) until the next start reads it again.
        var lost: AuditError?
        var isNearlyFull = false

        var total: Int { older + segment.length + waitingBytes }
    }

    private let settings: AuditSettings
    private let logger: Logger
    private let queue = DispatchQueue(label: "sallyport.audit")
    private let state: Mutex<State>

    init(_ state: State, settings: AuditSettings, logger: Logger) {
        self.state = Mutex(state)
        self.settings = settings
        self.logger = logger
    }

    /// The newest checkpoint that is on disk.
    var checkpoint: Checkpoint? { state.withLock { $0.checkpoint } }

    /// What is signed, and what stands in the way of more.
    var status: WireAuditStatus {
        state.withLock { state in
            .with {
                $0.signed = state.checkpoint?.size ?? 0
                $0.signedAtMs = state.signedAt
                $0.error = state.failure?.description ?? ""
            }
        }
    }

    /// - Throws: ``AuditError`` when there is no room for what is new.
    func admit() throws(AuditError) {
        try state.withLock { state throws(AuditError) in
            guard state.total < settings.maximumSize else {
                throw AuditError(
                    "the audit log has its maximum-size of \(settings.maximumSize) bytes; raise that, or move older files elsewhere, "
                        + "and restart")
            }
            guard state.uncovered < Self.maximumUncovered else {
                throw AuditError("the audit log falls behind: \(state.failure?.description ?? "the disk is too slow")")
            }
        }
    }

    /// Takes records that are durable in the journal.
    func add(_ batch: AuditBatch) {
        let (plan, due) = state.withLock { state in
            state.waiting.append(batch)
            state.waitingBytes += batch.lines.count
            state.uncovered += batch.lines.count
            defer { (state.isPlanned, state.isDue) = (true, true) }
            return (!state.isPlanned, !state.isDue)
        }
        if plan { queue.asyncAfter(deadline: .now() + Self.leisure) { self.write() } }
        if due {
            queue.asyncAfter(deadline: .now() + .milliseconds(Int(settings.checkpointInterval.milliseconds))) {
                self.state.withLock { $0.isDue = false }
                self.writeAndSign()
            }
        }
    }

    /// Writes and signs what is there. Blocks.
    func close() { queue.sync { writeAndSign() } }

    private func writeAndSign() {
        run { state throws(AuditError) in
            try state.write()
            try state.sign(self.settings)
            try state.beginNext(self.settings)
        }
    }

    private func write() {
        state.withLock { $0.isPlanned = false }
        run { state throws(AuditError) in
            try state.write()
            let covered = state.checkpoint?.size ?? 0
            if state.written.size - covered >= self.settings.checkpointEvery || state.uncovered >= Self.checkpointBytes {
                try state.sign(self.settings)
            }
            try state.beginNext(self.settings)
        }
    }

    /// Runs `body` on the queue's own copy, so that nobody who records something waits for the disk.
    private func run(_ body: (inout State) throws(AuditError) -> Void) {
        var copy = state.withLock { $0 }
        var failure: AuditError?
        do throws(AuditError) { try body(&copy) } catch { failure = error }
        let (before, again, isNews, isNearlyFull) = state.withLock { state in
            let before = state.checkpoint
            let done = state.waiting.prefix { $0.tree.size <= copy.written.size }.count
            state.waitingBytes -= state.waiting.prefix(done).reduce(0) { $0 + $1.lines.count }
            state.waiting.removeFirst(done)
            // A checkpoint is signed of all that stands in the file.
            if copy.checkpoint != before { (state.uncovered, state.signedAt) = (state.waitingBytes, WallClock.now()) }
            (state.segment, state.first, state.older) = (copy.segment, copy.first, copy.older)
            state.checkpoints = copy.checkpoints
            (state.written, state.checkpoint, state.lost) = (copy.written, copy.checkpoint, copy.lost)
            let isNews = failure != nil && failure != state.failure
            state.failure = failure
            let again = failure != nil
            let isNearlyFull = !state.isNearlyFull && state.total > settings.maximumSize / 10 * 9
            if isNearlyFull { state.isNearlyFull = true }
            return (before, again, isNews, isNearlyFull)
        }
        if isNews { logger.error("audit log cannot be written", metadata: ["error": "\(failure?.description ?? "")"]) }
        if again { queue.asyncAfter(deadline: .now() + Self.pause) { self.writeAndSign() } }
        if isNearlyFull {
            logger.warning(
                "audit log has nine tenths of its maximum-size; then nothing new is accepted",
                metadata: ["path": "\(settings.path)", "maximum-size": "\(settings.maximumSize)"])
        }
        if let checkpoint = copy.checkpoint, checkpoint != before, let note = try? checkpoint.signed(with: settings.key) {
            // Ed25519 signs alike each time: this is the note in the file.
            logger.info(
                "audit checkpoint",
                metadata: ["size": "\(checkpoint.size)", "note": "\(String(decoding: note.bytes, as: UTF8.self))"])
        }
    }
}

extension AuditWriter.State {
    /// Adds what waits to the file.
    mutating func write() throws(AuditError) {
        if let lost { throw lost }
        guard let last = waiting.last else { return }
        try segment.append(waiting.flatMap(\.lines))
        written = last.tree
        waiting = []
    }

    /// Signs the tree over what stands in the file, after that is on the disk.
    mutating func sign(_ settings: AuditSettings) throws(AuditError) {
        guard written.size > checkpoint?.size ?? 0 else { return }
        if let lost { throw lost }
        let next = Checkpoint(origin: settings.origin, size: written.size, root: written.root)
        try sync(segment)
        try checkpoints.append(next.signed(with: settings.key).bytes)
        try sync(checkpoints)
        checkpoint = next
    }

    /// Begins a new file when this one is full, with a checkpoint of exactly what stands before it, so that each file stands on its own.
    mutating func beginNext(_ settings: AuditSettings) throws(AuditError) {
        guard segment.length >= settings.segmentSize, written.size > first else { return }
        try sign(settings)
        let next = try directory.makeSegment(origin: settings.origin, after: written)
        older += segment.length
        segment.close()
        (segment, first) = (next, written.size)
    }

    private mutating func sync(_ file: AuditFile) throws(AuditError) {
        do throws(AuditError) {
            try file.sync()
        } catch {
            lost = error
            throw error
        }
    }
}
