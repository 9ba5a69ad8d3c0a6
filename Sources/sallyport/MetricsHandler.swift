import NIOCore
import NIOHTTP1
import Telemetry

/// Answers one request and closes. What a request carries besides its head is not read.
final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// How long a request waits for the executor.
    static let patience = TimeAmount.seconds(8)

    private let source: MetricsSource
    private var isAnswered = false
    private var isHead = false

    init(_ source: MetricsSource) { self.source = source }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), !isAnswered else { return }
        isAnswered = true
        isHead = head.method == .HEAD
        let hosts = head.headers["host"].count
        let path = head.uri.prefix { $0 != "?" }
        guard hosts == 1 || hosts == 0 && head.version == .http1_0 else {
            return answer(.badRequest, "a request of HTTP/1.1 has one Host\n", context)
        }
        guard path == "/metrics" else { return answer(.notFound, "metrics are at /metrics\n", context) }
        guard head.method == .GET || isHead else {
            return answer(.methodNotAllowed, "use GET or HEAD\n", more: [("Allow", "GET, HEAD")], context)
        }
        ask(MetricsFormat(accept: head.headers["accept"]), context)
    }

    private func ask(_ format: MetricsFormat, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let waits = NIOLoopBoundBox(true, eventLoop: context.eventLoop)
        let reply: @Sendable (HTTPResponseStatus, String, String?) -> Void = { status, text, type in
            guard waits.value else { return }
            waits.value = false
            let (handler, context) = bound.value
            handler.answer(status, text, type: type, context)
        }
        let timer = context.eventLoop.scheduleTask(in: Self.patience) {
            reply(
                .serviceUnavailable, "the executor has not answered within \(Self.patience.nanoseconds / 1_000_000_000) s\n", nil)
        }
        source.text(format).hop(to: context.eventLoop).whenComplete { result in
            timer.cancel()
            switch result {
            // An executor of an older version knows one format.
            case .success(let text): reply(.ok, text, MetricsFormat(of: text).contentType)
            case .failure(let error): reply(.serviceUnavailable, "no metrics of the executor: \(error)\n", nil)
            }
        }
    }

    private func answer(
        _ status: HTTPResponseStatus, _ text: String, type: String? = nil, more: [(String, String)] = [],
        _ context: ChannelHandlerContext
    ) {
        guard context.channel.isActive else { return }
        let body = ByteBuffer(string: text)
        var headers = HTTPHeaders(more)
        headers.add(name: "Content-Type", value: type ?? "text/plain; charset=utf-8")
        headers.add(name: "Content-Length", value: "\(body.readableBytes)")
        headers.add(name: "Connection", value: "close")
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !isHead { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
