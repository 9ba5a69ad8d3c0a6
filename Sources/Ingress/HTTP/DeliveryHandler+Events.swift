internal import NIOCore
internal import NIOHTTP1

/// Answers whose body is a stream of events.
extension DeliveryHandler {
    func begin(_ stream: EventStream, _ answer: Answer, _ context: ChannelHandlerContext) {
        if isOld || service.isDraining { keepsAlive = false }
        state = .streaming(stream)
        context.writeAndFlush(wrapOutboundOut(.head(head(answer))), promise: nil)
        // The write may have ended the connection.
        guard case .streaming = state else { return }
        stream.attach(
            EventStream.Writer(
                isWritable: { context.channel.isWritable },
                write: { context.writeAndFlush(self.wrapOutboundOut(.body(.byteBuffer($0))), promise: nil) },
                end: {
                    guard case .streaming = self.state else { return }
                    self.complete(context, staysOpen: self.keepsAlive && !self.service.isDraining)
                },
                abort: { context.close(promise: nil) }))
    }

    /// RFC 9110 section 9.3.2: the head that GET would have. It announces a body without a length, so the connection ends where the body
    /// would begin.
    func endHead(_ answer: Answer, _ context: ChannelHandlerContext) {
        state = .closed
        leaveRequest()
        keepsAlive = false
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.head(head(answer)))).whenComplete { _ in bound.value.close(promise: nil) }
    }

    private func head(_ answer: Answer) -> HTTPResponseHead {
        var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
        headers.add(name: "Cache-Control", value: "no-store")
        if !keepsAlive { headers.add(name: "Connection", value: "close") }
        return HTTPResponseHead(version: isOld ? .http1_0 : .http1_1, status: answer.status, headers: headers)
    }
}
