internal import Authentication
internal import JobProtocol
internal import NIOCore
internal import NIOHTTP1

/// One sender's connection: reads a request within its limits, verifies while the body arrives, answers, and reads the next.
final class DeliveryHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// Between requests.
        case idle
        /// A delivery whose body arrives.
        case reading(DeliveryReader)
        /// The answer is known; what still arrives of the request is thrown away, up to a limit.
        case discarding(Answer, left: Int)
        /// The request is complete and its answer is not there yet.
        case waiting
        /// Answered and closing.
        case closed
    }

    private let service: DeliveryService
    private let limits: HTTPLimits
    private var state = State.idle
    private var keepsAlive = false
    /// RFC 9110 section 9.3.2: the answer to HEAD has no body.
    private var isHead = false
    private var deadline: Scheduled<Void>?

    init(service: DeliveryService, limits: HTTPLimits) {
        self.service = service
        self.limits = limits
    }

    func channelActive(context: ChannelHandlerContext) { limit(context, to: limits.idle) }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        state = .closed
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { inputEnded(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// The sender has said all it will; an answer that is still to come can be read by it all the same.
    private func inputEnded(_ context: ChannelHandlerContext) {
        keepsAlive = false
        switch state {
        case .waiting, .closed: break
        case .idle, .reading, .discarding:
            // This may come while the last answer is being written.
            state = .closed
            context.flush()
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else { return context.close(promise: nil) }
        // The request cannot be parsed: whatever follows on this connection cannot be either. The one before it still has its answer.
        keepsAlive = false
        switch state {
        case .waiting, .closed: break
        case .idle: finish(context, .problem(.badRequest, "the request is not HTTP/1.1"))
        case .reading, .discarding: context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(context, head)
        case .body(let bytes): take(context, bytes)
        case .end: end(context)
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
        guard case .idle = state else { return }
        keepsAlive = head.isKeepAlive
        isHead = head.method == .HEAD
        limit(context, to: limits.request)
        switch service.open(head, from: context.remoteAddress) {
        case .read(let reader):
            state = .reading(reader)
            if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
        case .answer(let answer):
            let announced = head.headers.first(name: "content-length").flatMap(Int.init) ?? 0
            if announced > limits.discard { return refuse(context, answer) }
            state = .discarding(answer, left: limits.discard)
        }
    }

    private func take(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        switch state {
        case .reading(let reader):
            if let answer = reader.append(bytes) { refuse(context, answer) }
        case .discarding(let answer, let left):
            guard bytes.readableBytes <= left else { return refuse(context, answer) }
            state = .discarding(answer, left: left - bytes.readableBytes)
        case .idle, .waiting, .closed: break
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        switch state {
        case .reading(let reader):
            deadline?.cancel()
            state = .waiting
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            service.finish(reader, on: context.eventLoop) { answer in
                let (handler, context) = bound.value
                handler.finish(context, answer)
            }
        case .discarding(let answer, _):
            deadline?.cancel()
            finish(context, answer)
        case .idle, .waiting, .closed: break
        }
    }

    /// Answers and goes on. What this connection is next is decided before the last part is written, for that part lets the pipeline
    /// hand over the next request at once.
    private func finish(_ context: ChannelHandlerContext, _ answer: Answer) {
        if case .closed = state { return }
        let staysOpen = keepsAlive && !service.isDraining
        write(context, answer, staysOpen: staysOpen)
        if staysOpen {
            state = .idle
            limit(context, to: limits.idle)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else {
            state = .closed
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
        }
    }

    /// Answers before the request is complete. The sender gets a moment to read the answer before the connection is reset.
    private func refuse(_ context: ChannelHandlerContext, _ answer: Answer) {
        state = .closed
        limit(context, to: limits.linger)
        write(context, answer, staysOpen: false)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// The head and the body.
    private func write(_ context: ChannelHandlerContext, _ answer: Answer, staysOpen: Bool) {
        var headers = HTTPHeaders()
        for header in answer.headers { headers.add(name: header.name, value: header.value) }
        headers.add(name: "Content-Length", value: "\(answer.body.count)")
        headers.add(name: "Cache-Control", value: "no-store")
        if !staysOpen { headers.add(name: "Connection", value: "close") }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers))), promise: nil)
        guard !answer.body.isEmpty, !isHead else { return }
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
    }

    private func limit(_ context: ChannelHandlerContext, to time: TimeAmount) {
        deadline?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: time) { bound.value.close(promise: nil) }
    }
}

/// What one connection may take of the ingress.
struct HTTPLimits: Sendable {
    /// From the connection, or from an answer, to the next request's head.
    var idle = TimeAmount.seconds(60)
    /// From a request's head to its end.
    var request = TimeAmount.seconds(30)
    /// From an answer to an unfinished request to the end of the connection.
    var linger = TimeAmount.milliseconds(500)
    /// Bytes of a body that are read to keep the connection although the answer is known.
    var discard = 64 * 1024
    /// Connections at once.
    var connections = 4096
    /// Connections at once of the operations listener, which has its own so that senders cannot take it from whoever asks for health.
    var operationsConnections = 64
}
