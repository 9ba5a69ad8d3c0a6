internal import JobProtocol
public import NIOCore

/// Beats the ``LinkPulse`` of a connection; stands before the handler that reads its frames.
public final class PulseHandler: ChannelInboundHandler {
    /// Bytes of the connection, which go on as they came.
    public typealias InboundIn = ByteBuffer
    /// The same bytes.
    public typealias InboundOut = ByteBuffer
    /// Pings.
    public typealias OutboundOut = ByteBuffer

    private var pulse = LinkPulse()
    private var timer: RepeatedTask?
    private let ended: (String) -> Void

    /// - Parameter ended: is told why the connection is being closed.
    public init(ended: @escaping (String) -> Void) { self.ended = ended }

    /// The handshake is done.
    public func opened() { pulse.opened() }

    /// Begins to beat.
    public func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let interval = TimeAmount(LinkPulse.interval)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            let (handler, context) = bound.value
            handler.beat(context)
        }
    }

    /// Ends with the connection.
    public func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    /// Any byte is a sign of life.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        pulse.heard()
        context.fireChannelRead(data)
    }

    private func beat(_ context: ChannelHandlerContext) {
        switch pulse.beat() {
        case .wait: break
        case .send(let frame):
            guard let bytes = try? Frames.encode(frame) else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .end(let reason):
            timer?.cancel()
            ended(reason)
            context.close(promise: nil)
        }
    }
}
