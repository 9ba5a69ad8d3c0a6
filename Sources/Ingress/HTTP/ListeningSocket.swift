internal import CLinux
internal import Glibc

/// A TCP listener, made before the process is sealed.
struct ListeningSocket {
    /// Connections that may wait to be accepted.
    static let backlog: Int32 = 512

    let descriptor: Int32

    /// - Throws: ``ListenError`` naming the address and the step.
    init(_ address: IngressSettings.Address) throws(ListenError) {
        var step: UnsafePointer<CChar>?
        let result = unsafe sallyport_tcp_listen(address.host, UInt16(address.port), Self.backlog, &step)
        guard result >= 0 else {
            let reason = unsafe strerror(-result).map { unsafe String(cString: $0) } ?? "error \(-result)"
            let name = unsafe step.map { unsafe String(cString: $0) } ?? "listen"
            throw ListenError(address: address, reason: "\(name): \(reason)")
        }
        descriptor = result
    }
}

/// An address that cannot be listened at.
struct ListenError: Error, CustomStringConvertible {
    let address: IngressSettings.Address
    let reason: String

    var description: String { "cannot listen at \(address.host):\(address.port): \(reason)" }
}
