internal import Authentication
internal import JobProtocol
internal import JobTransport
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Telemetry

/// One executor's connection to the job socket: frames in, state table, answers to the desk. Any violation ends it without an answer.
final class LinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let desk: JobDesk
    private let metrics: IngressMetrics
    private let logger: Logger
    private let id: UInt64
    private let pulse: PulseHandler
    private var state: ConnectionState
    private var buffer = FrameBuffer()
    private var link: ExecutorLink?

    init(
        id: UInt64, identity: ConnectionState.Identity, trusted: TrustedKeys, pulse: PulseHandler, desk: JobDesk,
        metrics: IngressMetrics, logger: Logger
    ) {
        self.id = id
        self.pulse = pulse
        self.desk = desk
        self.metrics = metrics
        self.logger = logger
        state = ConnectionState(identity: identity, trusting: trusted)
    }

    /// The peer's uid was checked: begins the handshake. Called once, after the handler is in its pipeline.
    func begin(on channel: any Channel) { send(state.hello(), on: channel) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        buffer.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let payload = try buffer.next() { try take(Frames.decodeJobFrame(payload), on: context.channel) }
        } catch {
            metrics.violations.with(error.code.rawValue).increment()
            logger.error("executor broke the protocol", metadata: ["error": "\(error)"])
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let link else { return }
        desk.disconnected(link)
        logger.warning("executor is gone", metadata: ["key": "\(link.keyID)"])
        self.link = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.warning("job socket failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    private func take(_ kind: WireFrame.OneOf_Kind, on channel: any Channel) throws(ProtocolError) {
        switch try state.receive(kind) {
        case .send(let frame): send(frame, on: channel)
        case .opened(let peer):
            pulse.opened()
            let link = ExecutorLink(id: id, peer: peer, channel: channel)
            self.link = link
        case .deliver(let frame):
            guard let link else { throw .violation("frame before the connection was open") }
            switch frame {
            case .credit(let credit):
                let first = link.credit == 0
                link.credit = Int(credit.jobsInFlight)
                if credit.journalAway != link.journalIsAway {
                    link.journalIsAway = credit.journalAway
                    logger.warning(
                        credit.journalAway ? "the executor cannot reach its journal" : "the executor has its journal again",
                        metadata: ["key": "\(link.keyID)"])
                }
                guard first else { return }
                logger.info(
                    "executor connected", metadata: ["key": "\(link.keyID)", "policy": "\(link.policyDigest.prefix(16))"])
                desk.connected(link)
            case .accepted(let accepted): try desk.accepted(accepted.envelope, by: link)
            case .finished(let finished): try desk.finished(finished.envelope, by: link)
            case .jobState(let state): try desk.watches.state(state, by: link)
            case .output(let output): try desk.watches.output(output, by: link)
            case .watchEnd(let end): try desk.watches.end(end, by: link)
            case .ping(let ping): send(.with { $0.pong = .with { $0.sequence = ping.sequence } }, on: channel)
            default: break
            }
        }
    }

    private func send(_ frame: WireFrame, on channel: any Channel) {
        do {
            channel.writeAndFlush(ByteBuffer(bytes: try Frames.encode(frame)), promise: nil)
        } catch {
            logger.error("frame for the executor cannot be encoded", metadata: ["error": "\(error)"])
            channel.close(promise: nil)
        }
    }
}
