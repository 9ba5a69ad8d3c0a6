internal import CSSH2
internal import FoundationEssentials
internal import Glibc
internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// The SSH worker: one poll(2) loop on one thread, many hosts, and threads that do nothing but look names up. It parses what hosts send
/// and has no key to lose.
public final class Worker {
    private let socket: ExecutorSocket
    private let names: NameLookup
    /// All connections; at most one of a key takes new commands, others of it are on their way out.
    private var connections: [Connection] = []
    private var bodies: [UInt64: (lease: WireLease, bytes: [UInt8])] = [:]
    private var signing: [UInt64: Connection] = [:]
    private var repeated: [WaitingLease] = []
    /// Whether the files that the resolver reads are no longer those that this process may see.
    private let areFilesReplaced: () -> Bool
    private var isStale = false
    private var lastLook = 0
    /// What the executor was told last of the connections.
    private var told = WireWorkerConnections()
    /// Another turn is wanted at once.
    private var isWoken = false
    var keepAlive = Connection.keepAlive
    /// What must end the worker after this turn.
    private var failure: WorkerFailure?
    /// Milliseconds after which the loop looks round although nothing happened.
    private static let longestWait = 5_000
    /// Milliseconds between two looks at the resolver's files.
    private static let lookInterval = 500

    /// Connects to the executor's socket at `path` and says hello as one of the supervisor's `family`.
    ///
    /// - Parameter areFilesReplaced: whether other files are now where the resolver's were when this process was sealed. Then it takes no
    ///   new connections by name, and the executor ends it when it holds no lease.
    /// - Throws: an error naming the path, when nobody listens there or another user does.
    public init(path: String, family: String = "", areFilesReplaced: @escaping () -> Bool = { false }) throws {
        self.areFilesReplaced = areFilesReplaced
        guard libssh2_init(0) == 0 else { throw WorkerFailure("libssh2 cannot be initialised") }
        names = try unsafe NameLookup()
        socket = try ExecutorSocket(path: path)
        let version = unsafe libssh2_version(0).map { unsafe String(cString: $0) } ?? ""
        try socket.send(
            .with {
                $0.hello = .with {
                    $0.protocolVersion = Frames.workerVersion
                    $0.processID = UInt32(getpid())
                    $0.libssh2Version = version
                    $0.family = family
                }
            })
    }

    /// Starts the threads that look names up. They keep the restrictions of the thread that calls this: call it between the two steps
    /// of the seal.
    ///
    /// - Throws: ``WorkerFailure`` when they cannot be started.
    public func startLookups() throws { try names.start() }

    /// Serves until the executor closes its socket. Commands that run then are cancelled: their hosts see the end of their input.
    ///
    /// - Throws: what the executor sent that it may not send, or a failure of poll(2).
    public func run() throws {
        try startLookups()
        defer { for connection in connections { connection.close() } }
        while socket.flush() {
            let entries = try wait()
            names.collect()
            if entries[0].revents != 0 {
                guard let frames = try socket.receive() else { return }
                for frame in frames { try take(frame) }
            }
            advance()
            if let failure { throw failure }
        }
    }

    /// Waits until a socket is ready or a deadline is over.
    private func wait() throws -> [pollfd] {
        var entries = [
            pollfd(fd: socket.descriptor, events: socket.events, revents: 0),
            pollfd(fd: names.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        for connection in connections {
            for poll in connection.polls { entries.append(pollfd(fd: poll.descriptor, events: poll.events, revents: 0)) }
        }
        let next = isWoken ? 0 : connections.compactMap(\.deadline).min().map { max(0, $0 - Monotonic.now()) } ?? Self.longestWait
        guard unsafe poll(&entries, nfds_t(entries.count), Int32(min(next, Self.longestWait))) >= 0 || errno == EINTR else {
            throw WorkerFailure("poll failed with error \(errno)")
        }
        return entries
    }

    private func advance() {
        let now = Monotonic.now()
        isWoken = false
        if now - lastLook >= Self.lookInterval { lookAtFiles() }
        for connection in connections { connection.advance(now: now) }
        // Placing one may fail another at once: those come the next time round.
        let leases = repeated
        repeated = []
        for lease in leases { place(lease) }
        connections.removeAll(where: \.isClosed)
        for (leaseID, connection) in signing where connection.isClosed { signing[leaseID] = nil }
        tellConnections()
    }

    private func tellConnections() {
        let now = WireWorkerConnections.with {
            $0.open = UInt32(connections.count { $0.session != nil })
            $0.beingMade = UInt32(connections.count { $0.isConnecting })
        }
        guard now != told else { return }
        told = now
        send(.with { $0.connections = now })
    }

    private func lookAtFiles() {
        lastLook = Monotonic.now()
        guard !isStale, areFilesReplaced() else { return }
        isStale = true
        send(.with { $0.retiring = .init() })
    }

    private func take(_ frame: WireWorkerFrame.OneOf_Kind) throws {
        switch frame {
        case .lease(let lease):
            if lease.hasBody_p, lease.bodyLength > 0 {
                guard lease.bodyLength <= JobLimits.body else { throw WorkerFailure("a body of \(lease.bodyLength) bytes") }
                bodies[lease.leaseID] = (lease, [])
            } else {
                place(WaitingLease(lease, body: []))
            }
        case .leaseBody(let piece):
            guard var body = bodies[piece.leaseID] else { return }
            body.bytes.append(contentsOf: piece.data)
            if body.bytes.count >= body.lease.bodyLength {
                bodies[piece.leaseID] = nil
                place(WaitingLease(body.lease, body: body.bytes))
            } else {
                bodies[piece.leaseID] = body
            }
        case .cancel(let cancel):
            if let body = bodies.removeValue(forKey: cancel.leaseID) { return finished(.cancelledInTime(body.lease)) }
            if let index = repeated.firstIndex(where: { $0.lease.leaseID == cancel.leaseID }) {
                return finished(.cancelledInTime(repeated.remove(at: index).lease))
            }
            for connection in connections { connection.cancel(cancel.leaseID, now: Monotonic.now()) }
        case .signResponse(let response):
            guard let connection = signing.removeValue(forKey: response.leaseID) else { return }
            if response.signature.isEmpty {
                connection.refused(response.refusal)
            } else {
                connection.signed([UInt8](response.signature))
            }
        case .hello, .signRequest, .stage, .output, .finished, .retiring, .connections:
            throw WorkerFailure("the executor sent a frame that only a worker may send")
        }
    }

    private func place(_ lease: WaitingLease) {
        let key = ConnectionKey(lease.lease)
        let now = Monotonic.now()
        let connection = connections.first { $0.key == key && !$0.isRetiring && !$0.isClosed } ?? open(key, now: now)
        guard connection.add(lease, now: now) else {
            return finished(
                .notStarted(lease.lease, .busy, "\(Connection.maximumWaiting) commands wait for \(key.place) already"))
        }
        connection.advance(now: now)
    }

    private func open(_ key: ConnectionKey, now: Int) -> Connection {
        let connection = Connection(key, outlet: self, names: names, now: now, keepAlive: keepAlive)
        connections.append(connection)
        return connection
    }
}

extension Worker: WorkerOutlet {
    func isHandedOver(_ end: UInt64) -> Bool { socket.flush() && socket.taken >= end }

    @discardableResult func stage(_ leaseID: UInt64, _ stage: WireStage, _ processGroup: UInt32) -> UInt64 {
        send(
            .with {
                $0.stage = .with {
                    $0.leaseID = leaseID; $0.stage = stage; $0.processGroup = processGroup
                }
            })
        return socket.said
    }

    func output(_ leaseID: UInt64, _ stream: WireStream, _ bytes: ArraySlice<UInt8>) {
        // A slow executor shall not stop commands: the result has its share of the output all the same.
        guard !socket.isFull || (socket.flush() && !socket.isFull) else { return }
        var rest = bytes
        while !rest.isEmpty {
            let piece = rest.prefix(Frames.maximumChunk)
            send(
                .with {
                    $0.output = .with {
                        $0.leaseID = leaseID; $0.stream = stream; $0.data = .init(piece)
                    }
                })
            rest = rest.dropFirst(piece.count)
        }
    }

    func finished(_ finished: WireLeaseFinished) {
        send(.with { $0.finished = finished })
        // The result goes before everything that is still to be done for the host. An error shows the next time round.
        _ = socket.flush()
    }

    func askSignature(_ leaseID: UInt64, _ blob: [UInt8], for connection: Connection) {
        signing[leaseID] = connection
        send(
            .with {
                $0.signRequest = .with {
                    $0.leaseID = leaseID; $0.blob = .init(blob)
                }
            })
    }

    func again(_ lease: WaitingLease) {
        repeated.append(lease)
        wake()
    }

    var namesAreStale: Bool {
        lookAtFiles()
        return isStale
    }

    func wake() { isWoken = true }

    func mayConnect(_ connection: Connection) -> Bool {
        connections.count { $0.isConnecting && $0.key.isSamePlace(as: connection.key) } < Connection.maximumHandshakes
    }

    func open(_ tunnel: Tunnel) {
        let now = Monotonic.now()
        let connection =
            connections.first { $0.key == tunnel.key && !$0.isRetiring && !$0.isClosed } ?? open(tunnel.key, now: now)
        connection.add(tunnel, now: now)
        wake()
    }

    private func send(_ frame: WireWorkerFrame) {
        do {
            try socket.send(frame)
        } catch {
            // A lease that is never answered would be worse than a worker that ends.
            failure = WorkerFailure("a frame for the executor cannot be made: \(error)")
        }
    }
}
