internal import Authentication
internal import JobProtocol
internal import NIOCore
internal import NIOHTTP1

/// One sender's connection: reads a request within its limits, verifies while the body arrives, answers, and reads the next.
final class DeliveryHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    enum State {
        /// Between requests.
        case idle
        /// A delivery whose body arrives.
        case reading(DeliveryReader)
        /// A question whose request is not complete; its body is thrown away, up to a limit.
        case asking(JobRoutes.Question, left: Int)
        /// The answer is known; what still arrives of the request is thrown away, up to a limit.
        case discarding(Answer, left: Int)
        /// The request is complete and its answer is not there yet.
        case waiting
        /// The answer's head is out and its body comes bit by bit.
        case streaming(EventStream)
        /// Answered and closing.
        case closed
    }

    let service: DeliveryService
    let limits: HTTPLimits
    var state = State.idle
    var keepsAlive = false
    /// RFC 9110 section 9.3.2: the answer to HEAD has no body.
    private(set) var isHead = false
    /// HTTP/1.0 knows no chunks: there a stream lasts as long as its connection.
    private(set) var isOld = false
    /// Sees the bytes before they are parsed; a stream of HTTP/2 has none.
    private let arrivals: ArrivalHandler?
    /// The other end of the connection; a stream of HTTP/2 does not know it.
    private let peer: SocketAddress?
    /// With which the sender proved itself to TLS.
    private let client: ClientCertificate?
    private let place: ConnectionPlace
    private var isInRequest = false
    private var patience: SenderPatience
    private var alarm: Scheduled<Void>?
    /// When the alarm goes off, in nanoseconds.
    private var alarmTime = Int64.max

    init(
        service: DeliveryService, limits: HTTPLimits, arrivals: ArrivalHandler? = nil, place: ConnectionPlace,
        peer: SocketAddress?, client: ClientCertificate? = nil
    ) {
        self.place = place
        self.peer = peer
        self.client = client
        self.service = service
        self.limits = limits
        self.arrivals = arrivals
        patience = SenderPatience(limits.patience, now: MonotonicClock.now())
    }

    func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { watch(context) } }

    func channelActive(context: ChannelHandlerContext) {
        watch(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        if case .streaming(let stream) = state { stream.readerLeft() }
        state = .closed
        leaveRequest()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .streaming(let stream) = state { stream.drain() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { inputEnded(context) }
        if event is ArrivalHandler.BytesCame, patience.bytesCame(now: MonotonicClock.now()) { watch(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// The sender has said all it will; an answer that is still to come can be read by it all the same.
    private func inputEnded(_ context: ChannelHandlerContext) {
        keepsAlive = false
        switch state {
        case .waiting, .closed: break
        // Nobody closes half of a connection to read events: the reader is gone.
        case .streaming: context.close(promise: nil)
        case .idle, .reading, .asking, .discarding:
            // This may come while the last answer is being written.
            state = .closed
            context.flush()
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        // The request cannot be parsed: whatever follows on this connection cannot be either. The one before it still has its answer.
        keepsAlive = false
        switch state {
        case .waiting, .streaming, .closed: break
        // Half a head, and the connection is closed: nobody reads an answer any more.
        case .idle where !context.channel.isActive: state = .closed
        case .idle:
            guard case .headerOverflow = error else {
                return finish(context, .problem(.badRequest, "the request is not HTTP/1.1"))
            }
            service.countRefused("headers")
            finish(context, .problem(.requestHeaderFieldsTooLarge, "the head of the request is too large"))
        case .reading, .asking, .discarding: context.close(promise: nil)
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
        isOld = head.version == .http1_0
        isInRequest = true
        place.requestBegan()
        patience.headCame(now: MonotonicClock.now())
        watch(context)
        // What HTTP/2 says in place of it is looked at by its own parser.
        guard arrivals == nil || head.hasHost else {
            service.countRefused("host")
            return refuse(context, .problem(.badRequest, "a request of HTTP/1.1 has one Host"))
        }
        guard head.headers.count <= limits.headerCount else {
            service.countRefused("headers")
            return refuse(context, .problem(.requestHeaderFieldsTooLarge, "the request has too many header fields"))
        }
        var head = head
        head.headers = head.headers.trimmed
        switch service.open(head, from: peer, client: client) {
        case .read(let reader):
            state = .reading(reader)
            if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
        case .ask(let question): state = .asking(question, left: limits.discard)
        case .answer(let answer):
            let announced = head.headers.first(name: "content-length").flatMap(Int.init) ?? 0
            if announced > limits.discard { return refuse(context, answer) }
            state = .discarding(answer, left: limits.discard)
        }
    }

    private func take(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        patience.bodyCame(bytes.readableBytes)
        switch state {
        case .reading(let reader):
            if let answer = reader.append(bytes) {
                service.countOverflow(reader.hook, answer)
                refuse(context, answer)
            }
        case .discarding(let answer, let left):
            guard bytes.readableBytes <= left else { return refuse(context, answer) }
            state = .discarding(answer, left: left - bytes.readableBytes)
        case .asking(let question, let left):
            guard bytes.readableBytes <= left else {
                return refuse(context, .problem(.payloadTooLarge, "a question about a job has no body"))
            }
            state = .asking(question, left: left - bytes.readableBytes)
        case .idle, .waiting, .streaming, .closed: break
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        switch state {
        case .reading(let reader):
            patience.requestCame()
            state = .waiting
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            service.finish(reader, on: context.eventLoop) { answer in
                let (handler, context) = bound.value
                handler.finish(context, answer)
            }
        case .asking(let question, _):
            patience.requestCame()
            state = .waiting
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            service.jobs.answer(question, on: context.eventLoop) { answer in
                let (handler, context) = bound.value
                handler.finish(context, answer)
            }
        case .discarding(let answer, _):
            patience.requestCame()
            finish(context, answer)
        case .idle, .waiting, .streaming, .closed: break
        }
    }

    /// Answers and goes on. What this connection is next is decided before the last part is written, for that part lets the pipeline
    /// hand over the next request at once.
    private func finish(_ context: ChannelHandlerContext, _ answer: Answer) {
        if case .closed = state {
            answer.stream?.value.readerLeft()
            return
        }
        if let stream = answer.stream?.value { return begin(stream, answer, context) }
        if answer.isStreamHead { return endHead(answer, context) }
        let staysOpen = keepsAlive && !service.isDraining
        write(context, answer, staysOpen: staysOpen)
        complete(context, staysOpen: staysOpen)
    }

    /// The connection may be closed for another's sake again.
    func leaveRequest() {
        guard isInRequest else { return }
        isInRequest = false
        place.requestEnded()
    }

    /// Writes the end of an answer, and goes on as was decided.
    func complete(_ context: ChannelHandlerContext, staysOpen: Bool) {
        leaveRequest()
        if staysOpen {
            state = .idle
            patience.answered(now: MonotonicClock.now())
            watch(context)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else {
            state = .closed
            // A sender that does not read must not keep the connection.
            limit(context, to: .nanoseconds(limits.patience.idle.nanoseconds))
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
        }
    }

    /// Answers before the request is complete. The sender gets a moment to read the answer before the connection is reset.
    private func refuse(_ context: ChannelHandlerContext, _ answer: Answer) {
        state = .closed
        leaveRequest()
        limit(context, to: limits.linger)
        write(context, answer, staysOpen: false)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// The head and the body.
    private func write(_ context: ChannelHandlerContext, _ answer: Answer, staysOpen: Bool) {
        var headers = HTTPHeaders()
        for header in answer.headers { headers.add(name: header.name, value: header.value) }
        // RFC 9110 section 8.6: not with 204.
        if answer.status.mayHaveResponseBody { headers.add(name: "Content-Length", value: "\(answer.body.count)") }
        headers.add(name: "Cache-Control", value: "no-store")
        if !staysOpen { headers.add(name: "Connection", value: "close") }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers))), promise: nil)
        guard !answer.body.isEmpty, !isHead else { return }
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
    }

    /// Looks whether the sender is in time, and when to look again. An alarm that goes off too early looks again itself: within one
    /// request after the other it is hardly ever set anew.
    private func watch(_ context: ChannelHandlerContext) {
        switch patience.verdict(now: MonotonicClock.now()) {
        case .unwatched: break
        case .fine(let instant): if instant < alarmTime { setAlarm(context, at: instant) }
        case .tooSlow(let slow): end(context, slow)
        }
    }

    private func setAlarm(_ context: ChannelHandlerContext, at instant: Int64) {
        alarm?.cancel()
        alarmTime = instant
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        alarm = context.eventLoop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(instant))) {
            let (handler, context) = bound.value
            handler.alarmTime = .max
            handler.watch(context)
        }
    }

    /// The sender took too long. Where it was in the middle of a request it is told so (RFC 9110 section 15.5.9).
    private func end(_ context: ChannelHandlerContext, _ slow: SenderPatience.Slow) {
        if slow != .idle { service.countRefused(slow.rawValue) }
        switch state {
        case .reading, .asking: refuse(context, .problem(.requestTimeout, "the body came too slowly"))
        case .discarding(let answer, _): refuse(context, answer)
        case .idle:
            if slow == .head { arrivals?.writeTimeout() }
            context.close(promise: nil)
        case .waiting, .streaming, .closed: context.close(promise: nil)
        }
    }

    private func limit(_ context: ChannelHandlerContext, to time: TimeAmount) {
        alarm?.cancel()
        // Nothing is earlier: whatever the sender does, this stays.
        alarmTime = .min
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        alarm = context.eventLoop.scheduleTask(in: time) { bound.value.close(promise: nil) }
    }
}
