internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Tells those for whom there is no place when to come again. That takes a moment each, so only some are told; the others are closed.
final class ConnectionRefusals: Sendable {
    /// Connections that are being told, fewer than the descriptors that are kept free.
    static let maximum = 64

    private let count = Atomic(0)

    /// Puts the connection's pipeline together.
    ///
    /// - Parameter linger: how long the sender may take to read it.
    /// - Throws: when as many as may are being told; the connection is to be closed then.
    func refuse(_ channel: any Channel, linger: TimeAmount) throws {
        guard count.add(1, ordering: .relaxed).newValue <= Self.maximum else {
            count.subtract(1, ordering: .relaxed)
            throw ConnectionTable.Full.total
        }
        channel.closeFuture.whenComplete { _ in self.count.subtract(1, ordering: .relaxed) }
        try channel.pipeline.syncOperations.addHandlers([HTTPResponseEncoder(), RefusalHandler(linger: linger)])
    }
}

/// Answers a connection before it says anything, and ends it.
private final class RefusalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = HTTPServerResponsePart

    private let linger: TimeAmount

    init(linger: TimeAmount) { self.linger = linger }

    func channelActive(context: ChannelHandlerContext) {
        let answer = Answer.unavailable("as many connections are being served as may", retryAfter: JobAnswer.retryAfter)
        var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
        headers.add(name: "Content-Length", value: "\(answer.body.count)")
        headers.add(name: "Connection", value: "close")
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // Closed with a request unread the connection would be reset, and the answer be lost on the way.
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: linger) { bound.value.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
