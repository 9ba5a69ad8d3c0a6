internal import CLinux
internal import Glibc
internal import JobProtocol

/// A listener's socket, made or taken over before the process is sealed.
struct ListeningSocket {
    /// Connections that may wait to be accepted, as many as may be open: a burst is not dropped while one is being served. The kernel takes
    /// the lesser of this and net.core.somaxconn (listen(2)), which is 4096 too since Linux 5.4.
    static let backlog: Int32 = 4096

    let descriptor: Int32
    /// Connections have TCP's options.
    let isTCP: Bool

    /// - Throws: ``ListenError`` naming the place and the step.
    init(_ place: ListenPlace, inherited: inout InheritedSockets) throws(ListenError) {
        switch place {
        case .tcp(let host, let port):
            var step: UnsafePointer<CChar>?
            let result = unsafe sallyport_tcp_listen(host, UInt16(port), Self.backlog, &step)
            guard result >= 0 else {
                let reason = unsafe strerror(-result).map { unsafe String(cString: $0) } ?? "error \(-result)"
                let name = unsafe step.map { unsafe String(cString: $0) } ?? "listen"
                throw ListenError(place: place, reason: "\(name): \(reason)")
            }
            descriptor = result
            isTCP = true
        case .unix(let path, let mode):
            do throws(SocketError) {
                descriptor = try UnixSocket.listen(path: path, mode: mode)
            } catch {
                throw ListenError(place: place, reason: "\(error)")
            }
            isTCP = false
        case .systemd(let name):
            let socket = try inherited.take(name, for: place)
            descriptor = socket.descriptor
            isTCP = socket.isTCP
        }
    }

    /// Lets as many connections wait as ``backlog`` says. Call before the process is sealed.
    func setBacklog() { _ = listen(descriptor, Self.backlog) }
}

/// A place that cannot be listened at.
struct ListenError: Error, CustomStringConvertible {
    let place: ListenPlace
    let reason: String

    var description: String { "cannot listen at \(place): \(reason)" }
}
