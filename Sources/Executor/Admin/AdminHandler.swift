internal import Audit
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages

/// One operator's connection to the admin socket: a request, its answers, and the next.
final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let service: AdminService
    private let peer: AdminPeer
    private let logger: Logger
    private var buffer = FrameBuffer()

    init(service: AdminService, peer: AdminPeer, logger: Logger) {
        self.service = service
        self.peer = peer
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        buffer.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let payload = try buffer.next() {
                answer(try Frames.decodeAdminRequest(payload), on: context.channel)
            }
        } catch {
            logger.warning("admin socket: request cannot be read", metadata: ["error": "\(error)"])
            context.close(promise: nil)
        }
    }

    private func answer(_ request: WireAdminRequest.OneOf_Kind, on channel: any Channel) {
        let (service, peer, logger) = (service, peer, logger)
        if AdminService.isRecorded(request), !AdminService.changes(request) {
            service.journal.recordLater([.operator(peer, request, at: WallClock.now())])
        }
        if case .tailJob(let tail) = request { return AdminTail.begin(tail.id, service, on: channel, logger: logger) }
        if case .checkHosts(let check) = request {
            Task { @Sendable in await service.check(check, for: peer) { Self.send($0, on: channel, logger: logger) } }
            return
        }
        Task { @Sendable in
            let responses = await service.answer(request, for: peer)
            for response in responses { Self.send(response, on: channel, logger: logger) }
        }
    }

    static func send(_ response: WireAdminResponse, on channel: any Channel, logger: Logger) {
        do {
            channel.writeAndFlush(ByteBuffer(bytes: try Frames.encode(response)), promise: nil)
        } catch {
            logger.error("admin socket: answer cannot be encoded", metadata: ["error": "\(error)"])
            channel.close(promise: nil)
        }
    }
}
