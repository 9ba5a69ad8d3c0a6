internal import Authentication
internal import Glibc
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization
internal import Telemetry

/// The connected SSH workers. A host is always served by the same one of them, so that its connection stays warm.
final class WorkerPool: Sendable {
    /// How long a lease waits for a worker to be there, at start or after one ended.
    static let workerWait = Duration.seconds(5)
    /// How long after a lease's last deadline a worker may stay silent about it before it is killed.
    static let silence = Duration.seconds(15)

    private struct State {
        var connections: [WorkerConnection] = []
        var nextConnection: UInt64 = 0
        var lost = 0
        var nextLease: UInt64 = 0
    }

    /// How the hosts did.
    let hosts = HostRecord()
    private let signing: LeaseSigning
    private let logger: Logger
    private let state = Mutex(State())

    init(signing: LeaseSigning, logger: Logger) {
        self.signing = signing
        self.logger = logger
    }

    /// Workers connected now.
    var count: Int { state.withLock { $0.connections.count } }

    /// Workers that ended.
    var lost: Int { state.withLock { $0.lost } }

    /// What each connected worker is at.
    var statuses: [WireWorkerStatus] {
        state.withLock { $0.connections }.map { connection in
            .with {
                $0.pid = connection.processID
                $0.connectedAtMs = connection.connectedAt
                $0.leases = UInt32(clamping: connection.leaseCount)
            }
        }
    }

    /// Leases held by all workers now.
    var leaseCount: Int { state.withLock { $0.connections.reduce(0) { $0 + $1.leaseCount } } }

    func add(channel: any Channel, processID: Int32) -> WorkerConnection {
        state.withLock { state in
            state.nextConnection += 1
            let connection = WorkerConnection(
                id: state.nextConnection, processID: processID, channel: channel, signing: signing, logger: logger)
            state.connections.append(connection)
            return connection
        }
    }

    func remove(_ connection: WorkerConnection) {
        state.withLock { state in
            state.connections.removeAll { $0.id == connection.id }
            state.lost += 1
        }
        let leases = connection.leaseCount
        connection.abandonAll()
        logger.warning("SSH worker is gone", metadata: ["pid": "\(connection.processID)", "leases": "\(leases)"])
    }

    /// Runs one command on one host and returns when its worker has said how it ended, or is known not to say it any more.
    func run(
        _ template: WireLease, job: String, identity: IdentityKey, body: [UInt8]?,
        onOutput: @escaping @Sendable (WireStream, [UInt8]) -> Void, onStage: @escaping @Sendable (WireStage, UInt32) -> Void
    ) async -> WireLeaseFinished {
        var lease = template
        lease.leaseID = state.withLock { state in
            state.nextLease += 1
            return state.nextLease
        }
        guard let worker = await worker(for: lease.host) else {
            return .with {
                $0.leaseID = lease.leaseID
                $0.outcome = .notStarted
                $0.reason = .busy
                $0.error = "no SSH worker is connected; look for `SSH worker` in the executor's log"
            }
        }
        signing.signer.open(lease: lease.leaseID, user: lease.user, identity: identity)
        defer { signing.signer.close(lease: lease.leaseID) }
        let given = lease
        let finished = await withCheckedContinuation { continuation in
            let pending = PendingLease(
                job: job, destination: given.host, identity: given.identity, continuation: continuation, onOutput: onOutput,
                onStage: onStage)
            worker.give(given, body: body, pending)
            // Only now does the worker have it.
            watch(given, on: worker)
        }
        hosts.note(given.host, finished)
        return finished
    }

    /// Asks the workers to end what they run of a job, on the host too.
    func cancel(job: String) {
        for connection in state.withLock({ $0.connections }) { connection.cancel(job: job) }
    }

    private func worker(for host: String) async -> WorkerConnection? {
        let deadline = ContinuousClock.now + Self.workerWait
        while true {
            let found = state.withLock { state -> WorkerConnection? in
                guard !state.connections.isEmpty else { return nil }
                let hash = host.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
                return state.connections[Int(hash % UInt64(state.connections.count))]
            }
            if let found { return found }
            guard ContinuousClock.now < deadline else { return nil }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// A worker that outlives every deadline of a lease is stuck, perhaps by a hostile host: it is killed, its supervisor starts another.
    private func watch(_ lease: WireLease, on worker: WorkerConnection) {
        guard let limit = worker.limit(of: lease, silence: Self.silence) else { return }
        let wait = limit - .now
        guard wait <= .zero else {
            return worker.remind(of: lease.leaseID, after: wait) { self.watch(lease, on: worker) }
        }
        logger.error(
            "SSH worker is stuck and is killed",
            metadata: ["pid": "\(worker.processID)", "host": "\(lease.host)", "lease": "\(lease.leaseID)"])
        if worker.processID > 1, kill(worker.processID, SIGKILL) != 0, errno != ESRCH {
            logger.error("SSH worker cannot be killed", metadata: ["pid": "\(worker.processID)", "errno": "\(errno)"])
        }
        worker.close()
    }
}
