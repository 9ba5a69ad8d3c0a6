internal import NIOCore
internal import Synchronization

/// One connection's place in its table: says when the connection is in the middle of a request and when it is idle.
final class ConnectionPlace: Sendable {
    private let table: ConnectionTable
    let channel: any Channel
    let source: SourceAddress?
    private let running = Atomic(0)

    init(_ channel: any Channel, source: SourceAddress?, in table: ConnectionTable) {
        self.channel = channel
        self.source = source
        self.table = table
    }

    /// The head of a request is complete. Until as many have ended as began, the connection is not closed for another's sake.
    func requestBegan() { if running.add(1, ordering: .relaxed).newValue == 1 { table.setBusy(self) } }

    /// A request is answered, or its sender is gone.
    func requestEnded() { if running.subtract(1, ordering: .relaxed).newValue == 0 { table.setIdle(self) } }

    /// Closes it for another's sake.
    func makeRoom() {
        channel.triggerUserOutboundEvent(CloseHandler.Now(), promise: nil)
        channel.close(promise: nil)
    }
}

/// Stands below TLS and ends the connection at once when told to. TLS itself would wait for the other side's goodbye, and hold the
/// descriptor for as long.
final class CloseHandler: ChannelOutboundHandler {
    typealias OutboundIn = NIOAny

    /// Outbound.
    struct Now: Sendable {}

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Now else { return context.triggerUserOutboundEvent(event, promise: promise) }
        context.close(promise: promise)
    }
}
