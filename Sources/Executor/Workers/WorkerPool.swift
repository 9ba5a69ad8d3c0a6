internal import Authentication
internal import FoundationEssentials
internal import Glibc
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization
internal import Telemetry

/// The connected SSH workers. A host is always served by the same one of them, so that its connection stays warm; where the settings say
/// `per-host`, by one that never serves another.
final class WorkerPool: Sendable {
    /// How long a lease waits for a worker to be there, at start or after one ended.
    static let workerWait = Duration.seconds(5)
    /// How long after a lease's last deadline a worker may stay silent about it before it is killed.
    static let silence = Duration.seconds(15)

    /// Workers that may give one lease back, one after the other.
    static let maximumTries = 4

    private struct State {
        var connections: [WorkerConnection] = []
        var nextConnection: UInt64 = 0
        var lost = 0
        var nextLease: UInt64 = 0
    }

    /// How the hosts did.
    let hosts = HostRecord()
    private let isPerHost: Bool
    private let signing: LeaseSigning
    private let logger: Logger
    private let state = Mutex(State())
    /// Which hosts are left alone.
    let breakers = HostBreakers()

    init(isPerHost: Bool = false, signing: LeaseSigning, logger: Logger) {
        self.isPerHost = isPerHost
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
                $0.place = connection.place.withLock { $0 } ?? ""
            }
        }
    }

    /// Leases held by all workers now.
    var leaseCount: Int { state.withLock { $0.connections.reduce(0) { $0 + $1.leaseCount } } }

    /// Connections to hosts that all workers have now: logged in to, and being made.
    var connections: (open: Int, beingMade: Int) {
        state.withLock { $0.connections }.map(\.connections).reduce((0, 0)) { ($0.open + $1.open, $0.beingMade + $1.beingMade) }
    }

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
        guard !connection.isRetiring || leases > 0 else { return }
        logger.warning("SSH worker is gone", metadata: ["pid": "\(connection.processID)", "leases": "\(leases)"])
    }

    /// Runs one command on one host and returns when its worker has said how it ended, or is known not to say it any more.
    ///
    /// - Parameters:
    ///   - identity: the key that logs in there.
    ///   - hops: the keys that log in to the jump hosts of the lease's way.
    func run(
        _ template: WireLease, job: String, identity: IdentityKey, hops: [IdentityKey] = [], body: [UInt8]?,
        onOutput: @escaping @Sendable (WireStream, [UInt8]) -> Void, onStage: @escaping @Sendable (WireStage, UInt32) -> Void
    ) async -> WireLeaseFinished {
        let way = template.jumps.map(\.host) + [template.host]
        let ticket: HostBreakers.Ticket
        switch breakers.admit(way, places: Self.places(template), now: WallClock.now()) {
        case .admitted(let admitted): ticket = admitted
        case .refused(let text): return .notStarted(.unreachable, text)
        }
        let onStage: @Sendable (WireStage, UInt32) -> Void = { [breakers] stage, group in
            if stage != .unspecified { breakers.reached(ticket) }
            onStage(stage, group)
        }
        var finished = WireLeaseFinished()
        for _ in 0..<Self.maximumTries {
            finished = await once(
                template, job: job, identity: identity, hops: hops, body: body, onOutput: onOutput, onStage: onStage)
            guard finished.givenBack else { break }
        }
        if finished.givenBack { finished = .notStarted(.busy, "no SSH worker took the command for \(template.host)") }
        breakers.settle(ticket, finished, now: WallClock.now(), jitter: .random(in: 0...1))
        return finished
    }

    /// Where each host of the way is, who logs in there, and what keys it must have.
    private static func places(_ lease: WireLease) -> [Int] {
        func place(_ address: String, _ port: UInt32, _ user: String, _ key: Data, _ hostKeys: [Data]) -> Int {
            var hasher = Hasher()
            hasher.combine(address)
            hasher.combine(port)
            hasher.combine(user)
            hasher.combine(key)
            hasher.combine(hostKeys)
            return hasher.finalize()
        }
        return lease.jumps.map { place($0.address, $0.port, $0.user, $0.publicKey, $0.hostKeys) }
            + [place(lease.address, lease.port, lease.user, lease.publicKey, lease.hostKeys)]
    }

    private func once(
        _ template: WireLease, job: String, identity: IdentityKey, hops: [IdentityKey], body: [UInt8]?,
        onOutput: @escaping @Sendable (WireStream, [UInt8]) -> Void, onStage: @escaping @Sendable (WireStage, UInt32) -> Void
    ) async -> WireLeaseFinished {
        var lease = template
        let first = state.withLock { state in
            state.nextLease += 1 + UInt64(lease.jumps.count)
            return state.nextLease - UInt64(lease.jumps.count)
        }
        lease.leaseID = first
        for index in lease.jumps.indices { lease.jumps[index].grantID = first + 1 + UInt64(index) }
        guard let worker = await worker(for: lease) else {
            return .notStarted(.busy, "no SSH worker is free for \(lease.host); look for `SSH worker` in the executor's log")
        }
        signing.signer.open(lease: lease.leaseID, user: lease.user, identity: identity)
        for (hop, key) in zip(lease.jumps, hops) { signing.signer.open(lease: hop.grantID, user: hop.user, identity: key) }
        defer { for id in [lease.leaseID] + lease.jumps.map(\.grantID) { signing.signer.close(lease: id) } }
        let given = lease
        let finished = await withCheckedContinuation { continuation in
            let pending = PendingLease(
                job: job, destination: given.host, identity: given.identity,
                hops: Dictionary(uniqueKeysWithValues: given.jumps.map { ($0.grantID, $0) }), continuation: continuation,
                onOutput: onOutput, onStage: onStage)
            worker.give(given, body: body, pending)
            // Only now does the worker have it.
            watch(given, on: worker)
        }
        hosts.note(given.host, finished)
        return finished
    }

    /// Ends the workers of hosts that are none of these any more, when their commands are through: their successors have served nobody.
    func keep(places: Set<String>) {
        for connection in state.withLock({ $0.connections }) {
            guard let place = connection.place.withLock({ $0 }), !places.contains(place) else { continue }
            connection.retire()
        }
    }

    /// Asks the workers to end what they run of a job, on the host too.
    func cancel(job: String) {
        for connection in state.withLock({ $0.connections }) { connection.cancel(job: job) }
    }

    /// The same one for all that is reached through the same first address, so that a jump host's connection is shared, and its limits
    /// hold.
    private func worker(for lease: WireLease) async -> WorkerConnection? {
        let first = lease.jumps.first.map { "\($0.address):\($0.port)" } ?? "\(lease.address):\(lease.port)"
        let deadline = ContinuousClock.now + Self.workerWait
        while true {
            let found = state.withLock { state in
                let connections = state.connections.filter { !$0.isRetiring }
                return isPerHost ? Self.own(first, connections) : Self.shared(first, connections)
            }
            if let found { return found }
            guard ContinuousClock.now < deadline else { return nil }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private static func shared(_ place: String, _ connections: [WorkerConnection]) -> WorkerConnection? {
        guard !connections.isEmpty else { return nil }
        let hash = place.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        return connections[Int(hash % UInt64(connections.count))]
    }

    /// The place's own worker, or one that has served nobody yet, which then is.
    private static func own(_ place: String, _ connections: [WorkerConnection]) -> WorkerConnection? {
        if let own = connections.first(where: { $0.place.withLock { $0 } == place }) { return own }
        let unused = connections.first { $0.place.withLock { $0 } == nil }
        unused?.place.withLock { $0 = place }
        return unused
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

extension WireLeaseFinished {
    /// The end of a lease that no worker began.
    static func notStarted(_ reason: WireReason, _ error: String) -> WireLeaseFinished {
        .with {
            $0.outcome = .notStarted
            $0.reason = reason
            $0.error = error
        }
    }
}
