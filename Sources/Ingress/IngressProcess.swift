internal import Authentication
internal import JobProtocol
internal import JobTransport
public import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import ProtocolMessages
internal import Sandbox
internal import Settings
internal import Synchronization
internal import Telemetry

/// The ingress, put together from its settings: HTTP, hooks, the desk, the job socket. One event loop does all of it.
public final class IngressProcess: Sendable {
    /// How long deliveries that wait may go on waiting when the ingress is told to stop.
    static let drainLimit = TimeAmount.seconds(30)

    /// Descriptors for everything but senders: listeners, executors, operations, connections about to be refused.
    static let spareDescriptors = 192

    private let settings: IngressSettings
    private let logger: Logger
    private let connections = ConnectionCount()
    private let links = Atomic<UInt64>(0)

    /// Nothing is opened yet.
    public init(settings: IngressSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Serves until SIGTERM or SIGINT, then answers who waits. Blocks the calling thread, which must be the main one with its signals
    /// blocked.
    ///
    /// - Throws: an error naming the address or socket and the step; nothing is served then.
    public func serve() throws {
        let metrics = try IngressMetrics()
        let desk = JobDesk(keyID: settings.keyID, key: settings.signingKey, trusted: settings.trustedKeys, logger: logger)
        let service = DeliveryService(
            hooks: settings.hooks, proxies: settings.trustedProxies, desk: desk, metrics: metrics, logger: logger)
        try gauges(metrics, desk, service)
        // Sockets are made and files restricted while there is one thread, the system calls when all are there.
        let jobs = try UnixSocket.listen(path: settings.jobSocket, mode: settings.jobSocketMode)
        let hooks = try ListeningSocket(settings.listen)
        let operations = try settings.operations.map { try ListeningSocket($0) }
        let seal = try Seal(.ingress, files: FileAccess(), minimumLandlock: settings.minimumLandlock)
        // A listener that can accept no more would spin: some descriptors are always left.
        let connectionLimit = min(HTTPLimits().connections, ProcessHardening.descriptorLimit - Self.spareDescriptors)
        guard connectionLimit > 0 else { throw DescriptorError(limit: ProcessHardening.descriptorLimit) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let socket = try UnixListener.start(
            jobs, allowed: settings.executorUIDs, group: group,
            refused: { self.logger.error("job socket: connection refused", metadata: ["error": "\($0)"]) },
            prepare: { channel, _ in try self.accept(channel, desk, metrics) }
        ).wait()
        let http = try serve(hooks, group, counting: connections, limit: connectionLimit) {
            [DeliveryHandler(service: service, limits: HTTPLimits())]
        }
        if let operations {
            let limits = HTTPLimits()
            let listener = try serve(operations, group, counting: ConnectionCount(), limit: limits.operationsConnections) {
                [IdleStateHandler(allTimeout: limits.idle), OperationsHandler(service: service, registry: metrics.registry)]
            }
            logger.info("operations", metadata: ["address": "\(listener.localAddress.map(String.init(describing:)) ?? "")"])
        }
        let sweep = group.next().scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            desk.sweep(now: WallClock.now())
        }
        try seal.close()
        logger.info(
            "ingress is ready",
            metadata: [
                "address": "\(http.localAddress.map(String.init(describing:)) ?? "")", "hooks": "\(settings.hooks.count)",
                "landlock": "\(seal.landlock)",
            ])
        waitForStop()
        service.drain()
        sweep.cancel()
        http.close(promise: nil)
        let deadline = NIODeadline.now() + Self.drainLimit
        while service.waitingCount > 0, NIODeadline.now() < deadline { _ = ProcessSignals.next(within: 50) }
        socket.close(promise: nil)
        logger.info("ingress stops", metadata: ["waiting": "\(service.waitingCount)"])
    }

    private func waitForStop() {
        while true {
            switch ProcessSignals.next() {
            case .stop: return
            case .reload: logger.warning("settings are read at start only; restart to use changed ones")
            case .child, nil: continue
            }
        }
    }

    private func accept(_ channel: any Channel, _ desk: JobDesk, _ metrics: IngressMetrics) throws {
        let identity = ConnectionState.Identity(role: .ingress, keyID: settings.keyID, key: settings.signingKey)
        let handler = LinkHandler(
            id: links.add(1, ordering: .relaxed).newValue, identity: identity, trusted: settings.trustedKeys, desk: desk,
            metrics: metrics,
            logger: logger)
        try channel.pipeline.syncOperations.addHandler(handler)
        handler.begin(on: channel)
    }

    private func serve(
        _ socket: ListeningSocket, _ group: any EventLoopGroup, counting connections: ConnectionCount, limit: Int,
        handlers: @escaping @Sendable () -> [any ChannelHandler]
    ) throws -> any Channel {
        try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.take(limit) else { throw ChannelError.operationUnsupported }
                    channel.closeFuture.whenComplete { _ in connections.giveBack() }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: false)
                    try channel.pipeline.syncOperations.addHandlers(handlers())
                }
            }
            .serverChannelOption(.backlog, value: ListeningSocket.backlog)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .withBoundSocket(socket.descriptor).wait()
    }

    private func gauges(_ metrics: IngressMetrics, _ desk: JobDesk, _ service: DeliveryService) throws(MetricsError) {
        try metrics.registry.gauge("sallyport_executors_connected", help: "Executors connected.") { Double(desk.linkCount) }
        try metrics.registry.gauge("sallyport_requests_pending", help: "Requests handed over and unanswered.") {
            Double(desk.pendingCount)
        }
        try metrics.registry.gauge("sallyport_deliveries_waiting", help: "Deliveries that wait for their answer.") {
            Double(service.waitingCount)
        }
        try metrics.registry.gauge(
            "sallyport_token_ids_kept", help: "Ids of tokens that may be used once, kept until they expire."
        ) { Double(service.tokens.keptCount) }
        try metrics.registry.gauge("sallyport_http_connections", help: "HTTP connections open.") {
            Double(self.connections.count)
        }
    }
}

/// Connections of one listener.
final class ConnectionCount: Sendable {
    private let open = Atomic(0)

    var count: Int { open.load(ordering: .relaxed) }

    /// False when `limit` are open.
    func take(_ limit: Int) -> Bool {
        guard open.add(1, ordering: .relaxed).newValue > limit else { return true }
        giveBack()
        return false
    }

    func giveBack() { open.subtract(1, ordering: .relaxed) }
}

/// The process may have too few descriptors to serve anybody.
struct DescriptorError: Error, CustomStringConvertible {
    let limit: Int

    var description: String {
        "\(limit) descriptors are too few, more than \(IngressProcess.spareDescriptors) are needed; raise the hard limit (ulimit -Hn, LimitNOFILE=)"
    }
}
