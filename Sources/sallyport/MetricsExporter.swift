import CLinux
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Sandbox
import Synchronization
import Telemetry

/// Serves the executor's metrics at `GET /metrics`, and nothing else, until SIGTERM. Sealed: it can reach its listener and Unix sockets.
struct MetricsExporter {
    /// Connections at once; one more is closed. Prometheus needs one.
    static let maximumConnections = 16
    /// Fields of a request's head, and bytes of all of them.
    static let maximumHead = (fields: 50, bytes: 8 * 1024)
    /// How long a connection may be open, from its first byte to the last of its one answer.
    static let patience = TimeAmount.seconds(15)

    let address: ExporterAddress
    let source: String

    /// - Parameter source: the executor's admin socket.
    init(at address: ExporterAddress, source: String) {
        self.address = address
        self.source = source
    }

    /// - Throws: ``CommandFailure`` when the address cannot be had, or an error of the sandbox; nothing is served then.
    func serve() throws {
        ProcessSignals.block()
        ProcessHardening.closeInherited()
        try ProcessHardening.apply()
        let notify = SystemdNotify.fromEnvironment()
        let socket = try listen()
        let seal = try Seal(.exporter, files: FileAccess(), minimumLandlock: 0)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let metrics = MetricsSource(source, on: group.next())
        let open = Connections()
        _ = try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try open.take(channel)
                    try Self.prepare(channel, metrics)
                }
            }
            .withBoundSocket(socket).wait()
        try seal.close()
        Output.error("sallyport: serves /metrics at \(address), from \(source), Landlock \(seal.landlock)")
        notify.send(.ready)
        while true { if case .stop? = ProcessSignals.next() { break } }
        notify.send(.stopping)
    }

    private func listen() throws -> Int32 {
        var step: UnsafePointer<CChar>?
        let result = unsafe sallyport_tcp_listen(address.host, address.port, Int32(Self.maximumConnections), &step)
        guard result < 0 else { return result }
        let reason = unsafe strerror(-result).map { unsafe String(cString: $0) } ?? "error \(-result)"
        let name = unsafe step.map { unsafe String(cString: $0) } ?? "listen"
        throw CommandFailure("cannot listen at \(address): \(name): \(reason)", code: .usage)
    }

    private static func prepare(_ channel: any Channel, _ metrics: MetricsSource) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldCount = maximumHead.fields
        limits.maxHeaderFieldSize = maximumHead.bytes
        limits.maxHeaderListSize = maximumHead.bytes
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: true, withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: limits)
        try channel.pipeline.syncOperations.addHandler(MetricsHandler(metrics))
        let end = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in end.cancel() }
    }

    /// How many connections are open.
    private final class Connections: Sendable {
        private let count = Atomic(0)

        func take(_ channel: any Channel) throws(ChannelError) {
            guard count.load(ordering: .relaxed) < MetricsExporter.maximumConnections else { throw .ioOnClosedChannel }
            count.add(1, ordering: .relaxed)
            channel.closeFuture.whenComplete { _ in self.count.subtract(1, ordering: .relaxed) }
        }
    }
}

/// `HOST:PORT` or `[IPv6]:PORT`.
struct ExporterAddress: CustomStringConvertible {
    let host: String
    let port: UInt16
    let description: String

    init(_ text: String) throws {
        description = text
        guard let colon = text.lastIndex(of: ":"), let number = UInt16(text[text.index(after: colon)...]) else {
            throw CommandFailure("\(text) is no address; write it as 127.0.0.1:9464 or [::1]:9464", code: .usage)
        }
        let name = text[..<colon]
        let isBracketed = name.hasPrefix("[") && name.hasSuffix("]")
        guard !name.isEmpty, isBracketed || !name.contains(":") else {
            throw CommandFailure("\(text) is no address; write it as 127.0.0.1:9464 or [::1]:9464", code: .usage)
        }
        host = String(isBracketed ? name.dropFirst().dropLast() : name)
        port = number
    }
}
