internal import CLinux
internal import Glibc

/// Unix sockets made and looked at the way every socket of ours must be.
public enum UnixSocket {
    /// Connections that may wait to be accepted.
    public static let backlog: Int32 = 64

    /// Which process is at the other end, as the kernel says it (SO_PEERCRED).
    public struct Peer: Sendable {
        /// Effective uid when the peer connected; 65534 when it is not mapped in this user namespace.
        public let uid: UInt32
        /// 0 when the peer is in a sibling PID namespace.
        public let pid: Int32
    }

    /// Listens at `path`; the node has `mode` from its first moment on. A stale socket at the path is replaced, nothing else is.
    ///
    /// - Returns: a non-blocking descriptor.
    /// - Throws: ``SocketError`` naming the step and the path.
    public static func listen(path: String, mode: UInt32) throws(SocketError) -> Int32 {
        var step: UnsafePointer<CChar>?
        let descriptor = unsafe sallyport_unix_listen(path, mode, backlog, &step)
        guard descriptor >= 0 else {
            let name = unsafe step.map { unsafe String(cString: $0) } ?? "listen"
            throw SocketError(path: path, step: name, errno: -descriptor)
        }
        return descriptor
    }

    /// Connects to `path`; blocks.
    ///
    /// - Returns: a blocking descriptor.
    public static func connect(path: String) throws(SocketError) -> Int32 {
        let descriptor = unsafe sallyport_unix_connect(path)
        guard descriptor >= 0 else { throw SocketError(path: path, step: "connect", errno: -descriptor) }
        return descriptor
    }

    /// Who is at the other end of `descriptor`.
    public static func peer(of descriptor: Int32) throws(SocketError) -> Peer {
        var uid: UInt32 = 0
        var pid: Int32 = 0
        let result = unsafe sallyport_unix_peer(descriptor, &uid, &pid)
        guard result == 0 else {
            throw SocketError(path: "descriptor \(descriptor)", step: "getsockopt SO_PEERCRED", errno: -result)
        }
        return Peer(uid: uid, pid: pid)
    }

    /// Bytes a socket path may have.
    public static var maximumPath: Int { Int(sallyport_unix_path_limit()) }
}

/// A system call on a Unix socket failed.
public struct SocketError: Error, CustomStringConvertible {
    /// Path of the socket.
    public let path: String
    /// The call, or what stood in its way.
    public let step: String
    /// The system's error number.
    public let errno: Int32

    /// What a log line shows.
    public var description: String {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return "socket \(path): \(step): \(reason)"
    }
}
