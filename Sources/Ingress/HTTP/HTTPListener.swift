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
    private let refusals = ConnectionRefusals()
    private let metrics: IngressMetrics
    /// As many connections as the process has descriptors for, whatever the settings say.
    private let descriptors: Int

    init(_ current: Current, descriptors: Int, service: DeliveryService, metrics: IngressMetrics) {
        self.descriptors = descriptors
        let closed = metrics.closedConnections.with("hooks")
        connections = ConnectionTable(Self.bounded(current.limits.connections, descriptors)) { closed.increment(by: $0) }
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
        try ServerBootstrap.start(on: socket, group: group) { channel in
            let now = self.current.withLock { $0 }
            let place: ConnectionPlace
            do throws(ConnectionTable.Full) {
                place = try self.connections.take(channel)
            } catch {
                self.metrics.refusedConnections.with("hooks", error.rawValue).increment()
                // Before a handshake nothing can be said.
                guard error == .total, now.tls == nil else { throw error }
                return try self.refusals.refuse(channel, linger: now.limits.linger)
            }
            try self.prepare(channel, place, now)
        }
    }

    private func prepare(_ channel: any Channel, _ place: ConnectionPlace, _ now: Current) throws {
        guard let tls = now.tls else { return try addHTTP1(channel, place, now.limits, nil) }
        let handshake = HandshakeHandler(
            within: .nanoseconds(now.limits.patience.head.nanoseconds),
            ended: { self.metrics.handshakes.with($0.rawValue).increment() },
            configure: { agreed, client, channel in
                if agreed == "h2" {
                    try self.addHTTP2(channel, place, now.limits, client)
                } else {
                    try self.addHTTP1(channel, place, now.limits, client)
                }
            })
        try channel.pipeline.syncOperations.addHandlers([
            CloseHandler(), NIOSSLServerHandler(context: tls.context), handshake,
        ])
    }

    private func addHTTP1(_ channel: any Channel, _ place: ConnectionPlace, _ limits: HTTPLimits, _ client: ClientCertificate?)
        throws
    {
        let pipeline = channel.pipeline.syncOperations
        let arrivals = ArrivalHandler()
        try pipeline.addHandler(arrivals)
        try pipeline.configureHTTPServerPipeline(
            withErrorHandling: false, withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits.decoder)
        try pipeline.addHandler(
            DeliveryHandler(
                service: service, limits: limits, arrivals: arrivals, place: place, peer: channel.remoteAddress, client: client))
    }

    private func addHTTP2(_ channel: any Channel, _ place: ConnectionPlace, _ limits: HTTPLimits, _ client: ClientCertificate?)
        throws
    {
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
                    DeliveryHandler(service: service, limits: limits, place: place, peer: peer, client: client),
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
    /// Starts a listener whose connections are prepared by `prepare`, which throws to refuse one.
    static func start(
        on socket: ListeningSocket, group: any EventLoopGroup, _ prepare: @escaping @Sendable (any Channel) throws -> Void
    ) throws -> any Channel {
        var bootstrap = ServerBootstrap(group: group)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try prepare(channel) } }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
        if socket.isTCP { bootstrap = bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1) }
        let channel = try bootstrap.withBoundSocket(socket.descriptor).wait()
        // That has called listen(2) with a backlog of its own.
        socket.setBacklog()
        return channel
    }
}
