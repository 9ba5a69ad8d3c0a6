internal import Authentication
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Waits for the end of a TLS handshake, not for ever, and then puts the pipeline behind it together for the protocol that was agreed.
final class HandshakeHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny
    typealias InboundOut = NIOAny

    /// How a handshake ended, for the metric.
    enum Outcome: String {
        case done
        case failed
        case late
    }

    private let limit: TimeAmount
    private let ended: (Outcome) -> Void
    private let configure: (_ protocol: String?, _ client: ClientCertificate?, any Channel) throws -> Void
    private var deadline: Scheduled<Void>?
    private var isDone = false

    /// - Parameter configure: adds the handlers that follow.
    init(
        within limit: TimeAmount, ended: @escaping (Outcome) -> Void,
        configure: @escaping (_ protocol: String?, _ client: ClientCertificate?, any Channel) throws -> Void
    ) {
        self.limit = limit
        self.ended = ended
        self.configure = configure
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: limit) {
            let (handler, context) = bound.value
            handler.end(.late)
            context.close(mode: .all, promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(.failed) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let agreed)? = event as? TLSUserEvent, !isDone {
            end(.done)
            do {
                let certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()
                try configure(agreed, certificate.flatMap { ClientCertificate($0) }, context.channel)
            } catch {
                return context.close(promise: nil)
            }
        }
        if event is ChannelShouldQuiesceEvent, !isDone { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard isDone else {
            end(.failed)
            return context.close(promise: nil)
        }
        context.fireErrorCaught(error)
    }

    private func end(_ outcome: Outcome) {
        guard !isDone else { return }
        isDone = true
        deadline?.cancel()
        ended(outcome)
    }
}
