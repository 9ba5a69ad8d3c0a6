internal import Audit
internal import Authentication
internal import JobProtocol
internal import JobTransport
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Telemetry

/// One connection to an ingress: frames in, state table, requests to the job service. Any violation ends it without an answer.
final class JobLink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let ingress: IngressPeer
    private let service: JobService
    private let metrics: ExecutorMetrics
    private let logger: Logger
    private let sink: LinkSink
    private let pulse: PulseHandler
    /// Is told which key the ingress has proved to have.
    private let onOpen: @Sendable (_ keyID: String) -> Void
    private var state: ConnectionState
    private var buffer = FrameBuffer()
    private var bodies = BodyCollector()
    private let watches: LinkWatches

    init(
        ingress: IngressPeer, identity: ConnectionState.Identity, service: JobService, sink: LinkSink, pulse: PulseHandler,
        metrics: ExecutorMetrics, logger: Logger, onOpen: @escaping @Sendable (_ keyID: String) -> Void
    ) {
        self.ingress = ingress
        self.service = service
        self.sink = sink
        self.metrics = metrics
        self.logger = logger
        self.onOpen = onOpen
        self.pulse = pulse
        watches = LinkWatches(sink: sink)
        state = ConnectionState(identity: identity, trusting: ingress.trusted)
    }

    func channelActive(context: ChannelHandlerContext) {
        let (sink, hello, channel) = (sink, state.hello(), context.channel)
        let (logger, name) = (logger, ingress.name)
        PeerCheck.verify(channel, allowed: ingress.allowedUIDs).whenComplete { result in
            switch result {
            case .success: sink.send(hello)
            case .failure(let error):
                logger.error(
                    "another user's process listens at the job socket", metadata: ["ingress": "\(name)", "error": "\(error)"])
                channel.close(promise: nil)
            }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        buffer.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let payload = try buffer.next() { try take(Frames.decodeJobFrame(payload)) }
        } catch {
            metrics.violations.with(error.code.rawValue).increment()
            service.journal.recordLater([.violation(ingress: ingress.name, error, at: WallClock.now())])
            logger.error("ingress broke the protocol", metadata: ["ingress": "\(ingress.name)", "error": "\(error)"])
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for watcher in watches.removeAll() { service.watchers.leave(watcher) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Of one that was not open yet the dialer speaks, once.
        if state.phase == .open {
            logger.warning("job socket failed", metadata: ["ingress": "\(ingress.name)", "error": "\(error)"])
        }
        context.close(promise: nil)
    }

    private func take(_ kind: WireFrame.OneOf_Kind) throws(ProtocolError) {
        switch try state.receive(kind) {
        case .send(let frame): sink.send(frame)
        case .opened(let peer):
            pulse.opened()
            logger.info("ingress connected", metadata: ["ingress": "\(ingress.name)", "key": "\(peer.keyID)"])
            // Before the journal is looked at: what changes after that look is told to those that are open.
            onOpen(peer.keyID)
            sink.tellCredit(journalIsAway: service.journal.isAway)
        case .deliver(.submit(let submit)): try submitted(submit.envelope)
        case .deliver(.bodyChunk(let chunk)):
            if let whole = try bodies.add(chunk) {
                hand(whole.envelope, payload: whole.payload, request: whole.request, body: whole.body)
            }
        case .deliver(.watch(let watch)):
            let (watches, service, ingress) = (watches, service, ingress.name)
            let watcher = try watches.begin(watch)
            service.take(watcher, from: ingress) { watches.isOpen(watcher.number) }
        case .deliver(.watchCredit(let credit)):
            if let watcher = try watches.credited(credit) { service.watchers.credit(watcher, Int(credit.credit)) }
        case .deliver(.unwatch(let unwatch)):
            if let watcher = watches.remove(unwatch.watch) { service.watchers.leave(watcher) }
        case .deliver(.ping(let ping)): sink.send(.with { $0.pong = .with { $0.sequence = ping.sequence } })
        case .deliver: break
        }
    }

    private func submitted(_ envelope: WireSignedEnvelope) throws(ProtocolError) {
        guard sink.credit.take() else { throw .violation("more than \(LinkCredit.limit) unanswered requests") }
        let payload = try Envelope.open(envelope, expecting: .jobRequest, trusting: ingress.trusted)
        let request: WireJobRequest
        do {
            request = try WireJobRequest(serializedBytes: payload)
        } catch {
            throw .violation("job request cannot be read: \(error)")
        }
        if request.bodyFollows {
            try bodies.begin(envelope, payload: payload, request: request)
        } else {
            hand(envelope, payload: payload, request: request, body: nil)
        }
    }

    private func hand(_ envelope: WireSignedEnvelope, payload: [UInt8], request: WireJobRequest, body: [UInt8]?) {
        let submission = Submission(
            envelope: envelope, payload: payload, request: request, digest: SHA256.hash(payload), ingress: ingress.name,
            body: body)
        service.take(submission, for: sink)
    }
}

/// An ingress of the settings: where it listens and whose signature is believed.
struct IngressPeer: Sendable {
    let name: String
    let socket: String
    let trusted: TrustedKeys
    /// Uids the listening process may have; empty means this process's own.
    let allowedUIDs: Set<UInt32>
}
