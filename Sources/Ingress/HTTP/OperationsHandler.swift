internal import NIOCore
internal import NIOHTTP1
internal import Telemetry

/// The operations listener: liveness, readiness, metrics. Not for the internet.
final class OperationsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let service: DeliveryService
    private let registry: MetricsRegistry
    private var answer: Answer?
    private var isHead = false

    init(service: DeliveryService, registry: MetricsRegistry) {
        self.service = service
        self.registry = registry
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let path = RequestTarget.path(head.uri)
            isHead = head.method == .HEAD
            if !head.hasHost {
                answer = .problem(.badRequest, "a request of HTTP/1.1 has one Host")
            } else if path == "/metrics", head.method == .GET {
                let format = MetricsFormat(accept: head.headers["accept"])
                answer = .text(.ok, type: format.contentType, registry.text(format))
            } else {
                answer = service.probe(path, head)
            }
        case .body: break
        case .end:
            guard let answer else { return }
            self.answer = nil
            var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
            headers.add(name: "Content-Length", value: "\(answer.body.count)")
            context.write(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers))), promise: nil
            )
            if !isHead { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The sender has closed its side, or nothing came for a while.
        if case .inputClosed? = event as? ChannelEvent { return context.close(promise: nil) }
        if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
