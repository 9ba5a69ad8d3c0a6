internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages

/// Reads a worker's frames. The first must be its hello, and nothing else may be one.
final class WorkerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let pool: WorkerPool
    private let family: String
    private let processID: Int32
    private let logger: Logger
    private var buffer = FrameBuffer()
    private var connection: WorkerConnection?

    init(pool: WorkerPool, family: String, processID: Int32, logger: Logger) {
        self.family = family
        self.pool = pool
        self.processID = processID
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        buffer.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let payload = try buffer.next() { try take(Frames.decodeWorkerFrame(payload), context: context) }
        } catch {
            logger.error("SSH worker broke the protocol", metadata: ["pid": "\(processID)", "error": "\(error)"])
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let connection { pool.remove(connection) }
        connection = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.error("SSH worker's socket failed", metadata: ["pid": "\(processID)", "error": "\(error)"])
        context.close(promise: nil)
    }

    private func take(_ kind: WireWorkerFrame.OneOf_Kind, context: ChannelHandlerContext) throws(ProtocolError) {
        if let connection { return try connection.receive(kind) }
        guard case .hello(let hello) = kind else { throw .violation("the first frame of a worker must be hello") }
        guard hello.protocolVersion == Frames.workerVersion else {
            throw .violation("worker speaks protocol version \(hello.protocolVersion), this side \(Frames.workerVersion)")
        }
        guard hello.family == family else { throw .violation("a worker of another supervisor; is `serve` running twice?") }
        logger.info(
            "SSH worker connected", metadata: ["pid": "\(processID)", "libssh2": "\(hello.libssh2Version.prefix(32))"])
        connection = pool.add(channel: context.channel, processID: processID)
    }
}
