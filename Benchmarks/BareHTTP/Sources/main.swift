// The limit of an HTTP server by SwiftNIO on one event loop: reads each request to its end and answers 401 with as many bytes as the
// ingress does, with nothing looked at.
//
//     bare-http PORT BYTES
import NIOCore
import NIOHTTP1
import NIOPosix

final class Answerer: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let body: ByteBuffer

    init(bytes: Int) { body = ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        var head = HTTPResponseHead(version: .http1_1, status: .unauthorized)
        head.headers.add(name: "content-type", value: "application/problem+json")
        head.headers.add(name: "content-length", value: "\(body.readableBytes)")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

guard CommandLine.arguments.count == 3, let port = Int(CommandLine.arguments[1]), let bytes = Int(CommandLine.arguments[2]) else {
    fatalError("usage: bare-http PORT BYTES")
}
let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
let server = try ServerBootstrap(group: group)
    .serverChannelOption(.backlog, value: 256)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline()
            try channel.pipeline.syncOperations.addHandler(Answerer(bytes: bytes))
        }
    }
    .bind(host: "127.0.0.1", port: port).wait()
try server.closeFuture.wait()
