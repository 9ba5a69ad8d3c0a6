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
public import SettingsReload
internal import Synchronization
public import Telemetry

/// The ingress, put together from its settings: HTTP, hooks, the desk, the job socket. One event loop does all of it.
public final class IngressProcess: Sendable {
    /// Of the ingress.
    public static let version = "0.1.0"
    /// How long deliveries that wait may go on waiting when the ingress is told to stop.
    static let drainLimit = TimeAmount.seconds(30)

    /// How long until the start is over for memory: by then executors have come, and the first probe.
    static let settling = TimeAmount.seconds(2)

    /// How long the last answers may take to be written then.
    static let farewell = TimeAmount.seconds(2)

    /// Descriptors for everything but senders: listeners, executors, operations, connections about to be refused.
    static let spareDescriptors = 192

    private let reader: SettingsReader
    private let threshold: LogThreshold
    private let logger: Logger
    private let links = Atomic<UInt64>(0)

    /// Nothing is opened yet.
    ///
    /// - Parameters:
    ///   - reader: reads the settings again when SIGHUP asks for it.
    ///   - threshold: the one of `logger`, which the settings change.
    public init(reader: SettingsReader, threshold: LogThreshold, logger: Logger) {
        self.reader = reader
        self.threshold = threshold
        self.logger = logger
    }

    /// What serves.
    private struct Serving {
        let service: DeliveryService
        let listener: HTTPListener
        let loop: any EventLoop
        let sweep: RepeatedTask
        let http: any Channel
        let socket: any Channel
        let notify: SystemdNotify
    }

    /// Serves until SIGTERM or SIGINT, then answers who waits. Blocks the calling thread, which must be the main one with its signals
    /// blocked.
    ///
    /// - Throws: an error naming the address or socket and the step; nothing is served then.
    public func serve(_ settings: consuming IngressSettings) throws {
        threshold.level = settings.logLevel
        let (serving, reload) = try start(settings)
        let (service, listener, loop) = (serving.service, serving.listener, serving.loop)
        waitForStop(consume reload, serving.notify)
        serving.notify.send(.stopping)
        service.drain()
        serving.sweep.cancel()
        serving.http.close(promise: nil)
        try loop.submit { service.jobs.endStreams() }.wait()
        listener.connections.quiesce()
        drain(service, listener, loop)
        serving.socket.close(promise: nil)
        logger.info("ingress stops", metadata: ["waiting": "\(service.waitingCount)"])
    }

    /// Keeps nothing of the settings but what a reload replaces, so that a secret that was replaced is gone.
    private func start(_ settings: consuming IngressSettings) throws -> (Serving, Reload) {
        let settings = settings
        let metrics = try IngressMetrics()
        let desk = JobDesk(keyID: settings.keyID, key: settings.signingKey, trusted: settings.trustedKeys, logger: logger)
        let spool = try settings.spool.map { try self.spool($0, settings.ownKeys, metrics) }
        let streams = EventStreams(watches: desk.watches, metrics: metrics)
        let jobRoutes = JobRoutes(
            rule: settings.jobReading, watches: desk.watches, streams: streams, metrics: metrics, logger: logger)
        let service = DeliveryService(
            hooks: settings.hooks, limits: settings.limits, proxies: settings.trustedProxies, desk: desk, jobs: jobRoutes,
            streams: streams, spool: spool, metrics: metrics, logger: logger)
        // A listener that can accept no more would spin: some descriptors are always left.
        let descriptors = ProcessHardening.descriptorLimit - Self.spareDescriptors
        guard descriptors > 0 else { throw DescriptorError(limit: ProcessHardening.descriptorLimit) }
        let listener = HTTPListener(settings.listening, descriptors: descriptors, service: service, metrics: metrics)
        try gauges(metrics, desk, service, listener)
        let notify = SystemdNotify.fromEnvironment()
        // Sockets are made and files restricted while there is one thread, the system calls when all are there.
        var inherited = InheritedSockets.fromEnvironment()
        let jobs = try UnixSocket.listen(path: settings.jobSocket, mode: settings.jobSocketMode)
        let hooks = try ListeningSocket(settings.listen.place, inherited: &inherited)
        let operations = try settings.operations.map { try ListeningSocket($0, inherited: &inherited) }
        guard inherited.left.isEmpty else { throw UnusedSocketsError(names: inherited.left) }
        let seal = try Seal(settings.profile, files: settings.files, minimumLandlock: settings.minimumLandlock)
        try metrics.process(landlock: seal.landlock)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let identity = ConnectionState.Identity(role: .ingress, keyID: settings.keyID, key: settings.signingKey)
        let trusted = settings.trustedKeys
        let socket = try UnixListener.start(
            jobs, allowed: settings.executorUIDs, group: group,
            refused: {
                service.refusals.write(.error, "job socket: connection refused", outcome: "job-socket", ["error": "\($0)"])
            },
            prepare: { channel, _ in try self.accept(channel, identity, trusted, desk, metrics) }
        ).wait()
        let http = try listener.start(on: hooks, group: group)
        if let operations { try serveOperations(operations, group, service, metrics) }
        let loop = group.next()
        if let spool {
            spool.start()
            SpoolHandOver(spool, desk: desk, keys: settings.ownKeys, on: loop, logger: logger).start()
        }
        let sweep = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            desk.sweep(now: WallClock.now())
        }
        if let interval = notify.watchdogInterval {
            let half = TimeAmount.nanoseconds(max(1_000_000, interval.nanoseconds / 2))
            loop.scheduleRepeatedTask(initialDelay: half, delay: half) { _ in notify.send(.watchdog) }
        }
        try seal.close()
        logger.info(
            "ingress is ready",
            metadata: [
                "address": "\(Self.address(http, settings.listen.place))", "hooks": "\(settings.hooks.count)",
                "tls": "\(settings.listen.tls != nil)", "landlock": "\(seal.landlock)",
            ])
        notify.send(.ready)
        loop.scheduleTask(in: Self.settling) { StartUpPages.giveBack() }
        let reload = Reload(
            settings: settings, reader: reader, service: service, listener: listener, metrics: metrics, threshold: threshold,
            logger: logger)
        let serving = Serving(
            service: service, listener: listener, loop: loop, sweep: sweep, http: http, socket: socket, notify: notify)
        return (serving, reload)
    }

    private func waitForStop(_ reload: consuming Reload, _ notify: SystemdNotify) {
        while true {
            switch ProcessSignals.next() {
            case .stop: return
            case .reload:
                notify.send(.reloading)
                reload.run()
                notify.send(.ready)
            case .child where reader.isGone: logger.error("the settings reader has ended; restart to use changed settings")
            case .child, nil: continue
            }
        }
    }

    /// Lets who waits get its answer. When that takes too long, or a second signal says so, the rest are told to come again: what was
    /// accepted is durable at an executor, and what was not is the sender's still.
    private func drain(_ service: DeliveryService, _ listener: HTTPListener, _ loop: any EventLoop) {
        func isDone() -> Bool { service.waitingCount == 0 && listener.connections.count == 0 }
        let deadline = NIODeadline.now() + Self.drainLimit
        while !isDone(), NIODeadline.now() < deadline {
            if case .stop? = ProcessSignals.next(within: 50) { break }
        }
        guard !isDone() else { return }
        logger.warning(
            "the time to stop is over",
            metadata: ["waiting": "\(service.waitingCount)", "connections": "\(listener.connections.count)"])
        try? loop.submit { service.endWaits() }.wait()
        let end = NIODeadline.now() + Self.farewell
        while !isDone(), NIODeadline.now() < end { _ = ProcessSignals.next(within: 20) }
    }

    private static func address(_ channel: any Channel, _ place: ListenPlace) -> String {
        if case .unix = place { "\(place)" } else { channel.localAddress.map { "\($0)" } ?? "\(place)" }
    }

    private func serveOperations(
        _ socket: ListeningSocket, _ group: any EventLoopGroup, _ service: DeliveryService, _ metrics: IngressMetrics
    ) throws {
        let closed = metrics.closedConnections.with("operations")
        let connections = ConnectionTable(HTTPLimits.operations) { closed.increment(by: $0) }
        let limits = HTTPLimits()
        let listener = try ServerBootstrap.start(on: socket, group: group) { channel in
            do throws(ConnectionTable.Full) {
                // Whoever asks here is answered at once: all that are connected are idle.
                _ = try connections.take(channel)
            } catch {
                metrics.refusedConnections.with("operations", error.rawValue).increment()
                throw error
            }
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                withErrorHandling: false, withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits.decoder)
            try channel.pipeline.syncOperations.addHandlers([
                IdleStateHandler(allTimeout: .nanoseconds(limits.patience.idle.nanoseconds)),
                OperationsHandler(service: service, registry: metrics.registry),
            ])
        }
        logger.info("operations", metadata: ["address": "\(listener.localAddress.map(String.init(describing:)) ?? "")"])
    }

    private func spool(_ settings: SpoolSettings, _ ownKeys: TrustedKeys, _ metrics: IngressMetrics) throws -> Spool {
        let spool = try Spool(
            settings, disk: try SpoolFolder(path: settings.directory), keys: ownKeys, metrics: SpoolMetrics(metrics.registry),
            logger: logger)
        try SpoolMetrics.gauges(metrics.registry, spool)
        return spool
    }

    private func accept(
        _ channel: any Channel, _ identity: ConnectionState.Identity, _ trusted: TrustedKeys, _ desk: JobDesk,
        _ metrics: IngressMetrics
    ) throws {
        let logger = logger
        let pulse = PulseHandler { logger.warning("the executor's connection is given up", metadata: ["reason": "\($0)"]) }
        let handler = LinkHandler(
            id: links.add(1, ordering: .relaxed).newValue, identity: identity, trusted: trusted, pulse: pulse,
            desk: desk, metrics: metrics, logger: logger)
        try channel.pipeline.syncOperations.addHandlers([pulse, handler])
        handler.begin(on: channel)
    }

    private func gauges(
        _ metrics: IngressMetrics, _ desk: JobDesk, _ service: DeliveryService, _ listener: HTTPListener
    ) throws(MetricsError) {
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
            Double(listener.connections.count)
        }
        try metrics.registry.gauge("sallyport_http_body_bytes", help: "Bytes of bodies that are being read.") {
            Double(service.bodyBytes)
        }
        try metrics.registry.gauge("sallyport_streams_open", help: "Streams of events open.") { Double(service.streams.count) }
        guard listener.certificateExpiry != nil else { return }
        try metrics.registry.gauge(
            "sallyport_tls_certificate_expiry_seconds", help: "Unix time at which the listener's certificate ends."
        ) { Double(listener.certificateExpiry ?? 0) }
    }
}

/// The process may have too few descriptors to serve anybody.
struct DescriptorError: Error, CustomStringConvertible {
    let limit: Int

    var description: String {
        "\(limit) descriptors are too few, more than \(IngressProcess.spareDescriptors) are needed; raise the hard limit (ulimit -Hn, LimitNOFILE=)"
    }
}

/// The service manager handed over sockets that the settings do not name: connections would wait on them for ever.
struct UnusedSocketsError: Error, CustomStringConvertible {
    let names: [String]

    var description: String {
        "inherited sockets that no listener names: \(names.joined(separator: ", ")); write `systemd: NAME` under `listen` or `operations`"
    }
}

extension IngressSettings {
    /// What this ingress signs is believed when it comes back from its disk.
    fileprivate var ownKeys: TrustedKeys { TrustedKeys([keyID: signingKey.publicKey]) }
}
