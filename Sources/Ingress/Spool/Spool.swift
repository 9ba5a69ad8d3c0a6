internal import Authentication
internal import FoundationEssentials
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization
internal import Telemetry

/// Deliveries that were promised while no executor was connected: durable before the sender is told, handed over in order, gone from
/// the disk when the executor has them.
final class Spool: Sendable {
    /// What keeping a delivery comes to.
    enum Kept: Sendable {
        /// It is durable, as this job.
        case stored(jobID: String)
        /// Its event is durable already, as this job.
        case duplicate(jobID: String)
        /// The same key with another body.
        case contradiction
        case full
        case failed(SpoolError)
    }

    private struct State {
        var index: SpoolIndex
        /// Deliveries of an event that is being written; they learn what became of it.
        var followers: [String: [@Sendable (Kept) -> Void]] = [:]
        /// Called when something may be handed over.
        var onReady: (@Sendable () -> Void)?
    }

    let settings: SpoolSettings
    let metrics: SpoolMetrics
    private let writer: SpoolWriter
    private let logger: Logger
    private let orders: Atomic<UInt64>
    private let state: Mutex<State>

    /// Takes over what stands in the folder. Blocks; call before serving.
    ///
    /// - Parameter keys: the ingress's own: what another one signed is set aside.
    /// - Throws: ``SpoolError`` when the folder cannot be listed.
    init(_ settings: SpoolSettings, disk: any SpoolDisk, keys: TrustedKeys, metrics: SpoolMetrics, logger: Logger)
        throws(SpoolError)
    {
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
        writer = SpoolWriter(disk, logger: logger)
        let inventory = try SpoolInventory(disk, keys: keys)
        writer.restore(inventory.segments, setAside: inventory.setAside)
        var index = SpoolIndex(maximumBytes: settings.maximumBytes, maximumRecords: settings.maximumDeliveries)
        for entry in inventory.entries { index.restore(entry) }
        orders = Atomic((inventory.entries.map(\.order).max() ?? 0) + 1)
        state = Mutex(State(index: index))
        for finding in inventory.findings {
            metrics.damaged.increment()
            logger.error(
                "spool: \(finding.what); it is set aside and the others go on",
                metadata: ["segment": "\(finding.segment)", "offset": "\(finding.offset)", "bytes": "\(finding.bytes.count)"])
            if !finding.bytes.isEmpty { writer.setAside(finding.bytes, as: finding.name) }
        }
        for place in inventory.superseded { writer.finishNow(place) }
        if index.count > 0 { logger.notice("spool: deliveries wait from before", metadata: ["count": "\(index.count)"]) }
    }

    /// Makes the thread that writes.
    func start() { writer.start() }

    /// Returns when what was asked of the disk is done.
    func stop() { writer.stop() }

    /// Called, on any thread, when something may be handed over.
    func onReady(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onReady = body } }

    var count: Int { state.withLock { $0.index.count } }
    var bytes: Int { writer.bytes }
    /// When the oldest delivery was promised, in Unix milliseconds; nil when there is none.
    var oldest: Int64? { state.withLock { $0.index.oldest } }
    /// A small delivery would be kept, as far as is known.
    var takesMore: Bool {
        writer.isHealthy && state.withLock { $0.index.hasRoom(for: SpoolRecord.headBytes, onDisk: writer.bytes) }
    }

    /// Deliveries of this hook are waiting: another one waits behind them.
    func holds(_ hook: String) -> Bool { state.withLock { $0.index.holds(hook) } }

    /// The job that stands for an event that waits here.
    func job(_ dedupeKey: String) -> String? { state.withLock { $0.index.job(dedupeKey) } }

    /// Keeps a signed request. `done` is called once, on any thread, when it is durable or will not be.
    ///
    /// - Parameter mayBeKnown: it was handed to an executor that never answered.
    func keep(_ signed: SignedRequest, mayBeKnown: Bool, done: @escaping @Sendable (Kept) -> Void) {
        let request = signed.request
        let record: [UInt8]
        do {
            record = SpoolRecord(
                order: orders.wrappingAdd(1, ordering: .relaxed).oldValue, generation: 0, storedAt: WallClock.now(),
                envelope: try signed.envelope.serializedBytes(), body: signed.body.map { Array($0.readableBytesView) }
            ).encoded()
        } catch {
            return done(.failed(SpoolError("write", "a request", "\(error)")))
        }
        let entry = SpoolIndex.Entry(
            jobID: request.jobID, hook: request.hook, dedupeKey: request.dedupeKey, bodyDigest: [UInt8](request.bodyDigest),
            order: 0, storedAt: WallClock.now(), length: record.count, mayBeKnown: mayBeKnown)
        let admission = state.withLock { state in
            let admission = state.index.admit(entry, onDisk: writer.bytes)
            if case .duplicate(let jobID, isDurable: false) = admission { state.followers[jobID, default: []].append(done) }
            return admission
        }
        switch admission {
        case .new: writer.append(record) { self.written(request.jobID, $0, done) }
        case .duplicate(_, isDurable: false): break
        case .duplicate(let jobID, isDurable: true): done(.duplicate(jobID: jobID))
        case .contradiction: done(.contradiction)
        case .full: done(.full)
        }
    }

    private func written(
        _ jobID: String, _ result: Result<SpoolPlace, SpoolError>, _ done: @Sendable (Kept) -> Void
    ) {
        let (followers, onReady) = state.withLock { state in
            switch result {
            case .success(let place): state.index.confirm(jobID, at: place)
            case .failure: state.index.remove(jobID)
            }
            return (state.followers.removeValue(forKey: jobID) ?? [], state.onReady)
        }
        switch result {
        case .success:
            done(.stored(jobID: jobID))
            for follower in followers { follower(.duplicate(jobID: jobID)) }
            onReady?()
        case .failure(let error):
            done(.failed(error))
            for follower in followers { follower(.failed(error)) }
        }
    }
}

/// What the hand-over does with it.
extension Spool {
    /// What may be handed over now: of each hook the first. Each must come back by ``putBack(_:now:inTurn:)`` or ``finish(_:)``.
    func takeReady(now: Int64) -> [SpoolIndex.Entry] { state.withLock { $0.index.takeReady(now: now) } }

    /// Tried again later, or at once when it only was not its turn.
    func putBack(_ jobID: String, now: Int64, inTurn: Bool) {
        state.withLock { $0.index.putBack(jobID, now: now, inTurn: inTurn) }
    }

    func markSent(_ jobID: String) { state.withLock { $0.index.markSent(jobID) } }

    /// Reads and checks a delivery's record; `done` is called on the writer's thread.
    func read(_ entry: SpoolIndex.Entry, done: @escaping @Sendable (Result<SpoolRecord?, SpoolError>) -> Void) {
        guard let place = entry.place else { return done(.success(nil)) }
        writer.read(place) { result in
            done(
                result.map { bytes in
                    guard case .record(let record, _, _) = SpoolRecord.find(in: bytes, at: 0) else { return nil }
                    return record
                })
        }
    }

    /// Writes a delivery that was signed anew, and only then forgets the old record. `done` is called on the writer's thread.
    func replace(_ entry: SpoolIndex.Entry, with record: SpoolRecord, done: @escaping @Sendable (SpoolError?) -> Void) {
        writer.append(record.encoded()) { result in
            switch result {
            case .success(let place):
                self.state.withLock { $0.index.replace(entry.jobID, at: place, generation: record.generation) }
                if let old = entry.place { self.writer.finish(old) }
                done(nil)
            case .failure(let error): done(error)
            }
        }
    }

    /// The executor has it.
    func finish(_ jobID: String) {
        guard let place = state.withLock({ $0.index.remove(jobID)?.place }) else { return }
        writer.finish(place)
    }

    /// It will never run: its record is kept under another name, for a person.
    func setAside(_ jobID: String, as kind: String, now: Int64) {
        guard let place = state.withLock({ $0.index.remove(jobID)?.place }) else { return }
        writer.setAside(place, as: "\(now)-\(jobID).\(kind)")
    }
}
