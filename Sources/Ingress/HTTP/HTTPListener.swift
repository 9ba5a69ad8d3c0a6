internal import Authentication
internal import JobProtocol
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTP2
internal import NIOPosix
internal import NIOSSL
internal import Synchronization
internal import Telemetry

/// The senders' listener: takes connections within their limits and gives each its pipeline.
final class HTTPListener: Sendable {
    /// What new connections get; those that are open keep what they began with.
    struct Current: Sendable {
        var limits: HTTPLimits
        var tls: TLSSettings?
    }

    let connections: ConnectionTable
    private let current: Mutex<Current>
    private let service: DeliveryService
    private let metrics: IngressMetrics
    /// As many connections as the process has descriptors for, whatever the settings say.
    private let descriptors: Int

    init(_ current: Current, descriptors: Int, service: DeliveryService, metrics: IngressMetrics) {
        self.descriptors = descriptors
        connections = ConnectionTable(Self.bounded(current.limits.connections, descriptors))
        self.current = Mutex(current)
        self.service = service
        self.metrics = metrics
    }

    /// Other limits and another certificate for new connections.
    func change(to new: Current) {
        connections.change(to: Self.bounded(new.limits.connections, descriptors))
        current.withLock { $0 = new }
    }

    /// Seconds since 1970 at which the certificate ends; nil without TLS.
    var certificateExpiry: Int64? { current.withLock { $0.tls?.expiry } }

    private static func bounded(_ limits: ConnectionTable.Limits, _ descriptors: Int) -> ConnectionTable.Limits {
        ConnectionTable.Limits(total: min(limits.total, descriptors), address: limits.address)
    }

    /// Starts to accept; ``Channel/close()`` ends that.
    func start(on socket: ListeningSocket, group: any EventLoopGroup) throws -> any Channel {
        try ServerBootstrap.hardened(group, socket) { channel in
            if let full = self.connections.take(channel) {
                self.metrics.refusedConnections.with("hooks", full.rawValue).increment()
                throw ChannelError.operationUnsupported
            }
            try self.prepare(channel)
        }.withBoundSocket(socket.descriptor).wait()
    }

    private func prepare(_ channel: any Channel) throws {
        let now = current.withLock { $0 }
        guard let tls = now.tls else { return try addHTTP1(channel, now.limits, nil) }
        let handshake = HandshakeHandler(
            within: .nanoseconds(now.limits.patience.head.nanoseconds),
            ended: { self.metrics.handshakes.with($0.rawValue).increment() },
            configure: { agreed, client, channel in
                if agreed == "h2" {
                    try self.addHTTP2(channel, now.limits, client)
                } else {
                    try self.addHTTP1(channel, now.limits, client)
                }
            })
        try channel.pipeline.syncOperations.addHandlers([NIOSSLServerHandler(context: tls.context), handshake])
    }

    private func addHTTP1(_ channel: any Channel, _ limits: HTTPLimits, _ client: ClientCertificate?) throws {
        let pipeline = channel.pipeline.syncOperations
        let arrivals = ArrivalHandler()
        try pipeline.addHandler(arrivals)
        try pipeline.configureHTTPServerPipeline(
            withErrorHandling: false, withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits.decoder)
        try pipeline.addHandler(
            DeliveryHandler(
                service: service, limits: limits, arrivals: arrivals, peer: channel.remoteAddress, client: client))
    }

    private func addHTTP2(_ channel: any Channel, _ limits: HTTPLimits, _ client: ClientCertificate?) throws {
        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop, configuration: HTTP2Limits.management(limits))
        let service = service
        let peer = channel.remoteAddress
        _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: HTTP2Limits.connection(limits),
            streamConfiguration: HTTP2Limits.stream, streamDelegate: management.http2StreamDelegate
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandlers([
                    HTTP2FramePayloadToHTTP1ServerCodec(),
                    DeliveryHandler(service: service, limits: limits, peer: peer, client: client),
                ])
            }
        }
        try channel.pipeline.syncOperations.addHandlers([management, ConnectionEnd()])
    }
}

/// Ends a connection of HTTP/2 on which something is wrong as a whole: the streams have ends of their own.
private final class ConnectionEnd: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}

extension ServerBootstrap {
    /// A listener whose connections are prepared by `prepare`, which throws to refuse one.
    static func hardened(
        _ group: any EventLoopGroup, _ socket: ListeningSocket, _ prepare: @escaping @Sendable (any Channel) throws -> Void
    ) -> ServerBootstrap {
        let bootstrap = ServerBootstrap(group: group)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try prepare(channel) } }
            .serverChannelOption(.backlog, value: ListeningSocket.backlog)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
        return socket.isTCP ? bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1) : bootstrap
    }
}
