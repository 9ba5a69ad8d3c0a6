internal import CLinux
internal import Glibc
public import NIOCore

/// Asks the kernel who is at the other end of a Unix socket, in addition to the modes of its path.
public enum PeerCheck {
    /// What the kernel says of the peer (SO_PEERCRED, unix(7)).
    public struct Credentials: Sendable {
        /// 0 when the peer is in a sibling PID namespace.
        public let pid: Int32
        /// Effective uid when the peer connected or listened.
        public let uid: UInt32
        /// Effective gid then; the peer's other groups are not in it.
        public let gid: UInt32
    }

    /// Succeeds with the peer's credentials when its uid is one of `allowed`; fails, naming both, otherwise.
    public static func verify(_ channel: any Channel, allowed: Set<UInt32>) -> EventLoopFuture<Credentials> {
        peer(of: channel).flatMapThrowing { peer in
            guard allowed.contains(peer.uid) else { throw PeerError(uid: peer.uid, allowed: allowed) }
            return peer
        }
    }

    /// Whoever the peer is.
    public static func peer(of channel: any Channel) -> EventLoopFuture<Credentials> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(PeerError(uid: nil, allowed: []))
        }
        let credentials: EventLoopFuture<sallyport_credentials> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED))
        return credentials.map { Credentials(pid: $0.pid, uid: $0.uid, gid: $0.gid) }
    }
}

/// The process at the other end is not one of those the settings allow.
public struct PeerError: Error, CustomStringConvertible {
    let uid: UInt32?
    let allowed: Set<UInt32>

    /// Names the uid that was seen and those that are allowed.
    public var description: String {
        let seen = uid.map { "uid \($0)" } ?? "no uid"
        return "peer has \(seen), allow-uids has \(allowed.sorted().map(String.init).joined(separator: ", "))"
    }
}
