internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization

/// One SSH worker: hands it leases and takes what it says of them. A frame that makes no sense ends the worker.
final class WorkerConnection: Sendable {
    let id: UInt64
    let processID: Int32
    /// Unix milliseconds.
    let connectedAt = WallClock.now()
    /// The host it serves and no other, by address and port; nil while it has none of its own. The pool's to set.
    let place = Mutex<String?>(nil)
    private let channel: any Channel
    private let signing: LeaseSigning
    private let logger: Logger
    private let leases = Mutex<[UInt64: PendingLease]>([:])
    /// It takes no more leases. Changed while ``leases`` is locked.
    private let retiring = Mutex(false)
    /// How many connections to hosts it says it has.
    private let saidConnections = Mutex(WireWorkerConnections())
    /// When the worker last said anything.
    private let lastHeard = Mutex(ContinuousClock.now)

    init(id: UInt64, processID: Int32, channel: any Channel, signing: LeaseSigning, logger: Logger) {
        self.id = id
        self.processID = processID
        self.channel = channel
        self.signing = signing
        self.logger = logger
    }

    /// Leases it holds now.
    var leaseCount: Int { leases.withLock { $0.count } }

    /// Connections to hosts, as it says: logged in to, and being made.
    var connections: (open: Int, beingMade: Int) { saidConnections.withLock { (Int($0.open), Int($0.beingMade)) } }

    /// It ends when the leases it holds are through.
    var isRetiring: Bool { retiring.withLock { $0 } }

    /// Hands over a lease with its body; the continuation is resumed exactly once, whatever becomes of the worker.
    func give(_ lease: WireLease, body: [UInt8]?, _ pending: PendingLease) {
        let isTaken = leases.withLock { leases in
            guard !isRetiring else { return false }
            leases[lease.leaseID] = pending
            return true
        }
        guard isTaken else {
            return pending.continuation.resume(
                returning: .with {
                    $0.leaseID = lease.leaseID; $0.givenBack = true
                })
        }
        send(.with { $0.lease = lease })
        for start in stride(from: 0, to: body?.count ?? 0, by: Frames.maximumChunk) {
            let chunk = body?[start..<min(start + Frames.maximumChunk, body?.count ?? 0)] ?? []
            send(
                .with {
                    $0.leaseBody = .with {
                        $0.leaseID = lease.leaseID; $0.data = .init(chunk)
                    }
                })
        }
        // A channel that closed meanwhile has swept its leases already.
        if !channel.isActive { abandonAll() }
    }

    /// When the worker is stuck if a lease has not come further by then; nil when the lease has ended.
    ///
    /// A lease that waits for one of the host's sessions is as patient as the commands before it: then only a worker that says nothing
    /// at all, and has no command of its own to wait for, is stuck.
    func limit(of lease: WireLease, silence: Duration) -> ContinuousClock.Instant? {
        let (mine, othersRun) = leases.withLock { leases in
            (leases[lease.leaseID], leases.values.contains { [.starting, .started].contains($0.stage) })
        }
        guard let mine else { return nil }
        switch mine.stage {
        case .starting, .started:
            return mine.since + .milliseconds(Int64(lease.timeoutMs) + Int64(lease.graceMs)) + silence
        case .connected:
            return (othersRun ? .now : max(mine.since, lastHeard.withLock { $0 })) + silence
        case .unspecified, .UNRECOGNIZED:
            return mine.since + .milliseconds(Int64(lease.connectTimeoutMs)) + silence
        }
    }

    /// Runs `body` after a while, unless the lease has ended by then.
    func remind(of leaseID: UInt64, after wait: Duration, _ body: @escaping @Sendable () -> Void) {
        let reminder = channel.eventLoop.scheduleTask(in: TimeAmount(wait) + .milliseconds(1), body)
        let isHeld = leases.withLock { leases in
            leases[leaseID]?.reminder = reminder
            return leases[leaseID] != nil
        }
        if !isHeld { reminder.cancel() }
    }

    /// Asks the worker to end a job's commands on their hosts; once for each lease.
    func cancel(job: String) {
        let mine = leases.withLock { leases in
            let mine = leases.filter { $0.value.job == job && !$0.value.isCancelled }.keys
            for id in mine { leases[id]?.isCancelled = true }
            return Array(mine)
        }
        for id in mine { send(.with { $0.cancel = .with { $0.leaseID = id } }) }
    }

    /// Takes one frame.
    func receive(_ kind: WireWorkerFrame.OneOf_Kind) throws(ProtocolError) {
        lastHeard.withLock { $0 = .now }
        switch kind {
        case .stage(let stage):
            let handler = leases.withLock { leases -> (@Sendable (WireStage, UInt32) -> Void)? in
                leases[stage.leaseID]?.stage = stage.stage
                leases[stage.leaseID]?.since = .now
                return leases[stage.leaseID]?.onStage
            }
            handler?(stage.stage, stage.processGroup)
        case .output(let output):
            leases.withLock { $0[output.leaseID]?.onOutput }?(output.stream, [UInt8](output.data))
        case .finished(let finished):
            let (held, isLast) = leases.withLock { leases in
                (leases.removeValue(forKey: finished.leaseID), isRetiring && leases.isEmpty)
            }
            guard let lease = held else { return }
            lease.reminder?.cancel()
            // What was begun is not given back.
            guard !finished.givenBack || lease.stage == .unspecified else {
                lease.continuation.resume(returning: lease.abandoned(finished.leaseID))
                throw .violation("a lease was given back after it was begun")
            }
            lease.continuation.resume(returning: finished)
            if isLast { close() }
        case .connections(let connections): saidConnections.withLock { $0 = connections }
        case .retiring:
            logger.info(
                "SSH worker ends when its leases are through: names are looked up elsewhere", metadata: ["pid": "\(processID)"])
            retire()
        case .signRequest(let request):
            let asked = leases.withLock { leases in
                leases[request.leaseID] ?? leases.values.lazy.compactMap { $0.hop(request.leaseID) }.first
            }
            guard let lease = asked else { throw .violation("signature asked for a lease it does not hold") }
            Task {
                let response = await signing.answer(request, for: lease)
                send(.with { $0.signResponse = response })
            }
        case .hello, .lease, .leaseBody, .cancel, .signResponse:
            throw .violation("a worker may not send this frame")
        }
    }

    /// It takes no more leases, and ends when those it has are through.
    func retire() {
        let isIdle = leases.withLock { leases in
            retiring.withLock { $0 = true }
            return leases.isEmpty
        }
        if isIdle { close() }
    }

    /// The worker is gone: every lease it held gets its answer.
    func abandonAll() {
        let all = leases.withLock { leases in
            defer { leases.removeAll() }
            return leases
        }
        for (id, lease) in all {
            lease.reminder?.cancel()
            lease.continuation.resume(returning: lease.abandoned(id))
        }
    }

    /// Ends the connection; the worker then ends by itself.
    func close() { channel.close(promise: nil) }

    private func send(_ frame: WireWorkerFrame) {
        do {
            channel.writeAndFlush(ByteBuffer(bytes: try Frames.encode(frame)), promise: nil)
        } catch {
            logger.error("frame for a worker cannot be encoded", metadata: ["error": "\(error)"])
            close()
        }
    }
}
