public import NIOCore
internal import NIOPosix

/// Serves a Unix socket whose node has its mode from the first moment, to peers of stated uids only.
public enum UnixListener {
    /// Starts to accept on `descriptor`, made by `UnixSocket.listen(path:mode:)` and owned from now on. `prepare` runs for each
    /// connection whose peer is allowed; others are closed after `refused` was told.
    public static func start(
        _ descriptor: Int32, allowed: Set<UInt32>, group: any EventLoopGroup,
        refused: @escaping @Sendable (any Error) -> Void,
        prepare: @escaping @Sendable (any Channel, PeerCheck.Credentials) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        start(descriptor, group: group, refused: refused) { channel, peer in
            guard allowed.contains(peer.uid) else { throw PeerError(uid: peer.uid, allowed: allowed) }
            try prepare(channel, peer)
        }
    }

    /// As the other; `prepare` decides who is allowed, and throws for who is not.
    public static func start(
        _ descriptor: Int32, group: any EventLoopGroup, refused: @escaping @Sendable (any Error) -> Void,
        prepare: @escaping @Sendable (any Channel, PeerCheck.Credentials) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                PeerCheck.peer(of: channel).flatMapThrowing { try prepare(channel, $0) }.flatMapErrorThrowing {
                    error in
                    refused(error)
                    throw error
                }
            }
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .withBoundSocket(descriptor)
    }
}
