internal import NIOCore

/// Stands before the parser of HTTP/1.1 and says that bytes came: the parser is silent until a head is complete, and a sender may take
/// for ever over that.
final class ArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Fired before the bytes are.
    struct BytesCame: Sendable {}

    /// RFC 9110 section 15.5.9. No request was begun that the rest of the pipeline could answer.
    private static let timeout = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireUserInboundEventTriggered(BytesCame())
        context.fireChannelRead(data)
    }

    /// Says that a head took too long. Call only when no answer is being written.
    func writeTimeout() {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.timeout)), promise: nil)
    }
}
