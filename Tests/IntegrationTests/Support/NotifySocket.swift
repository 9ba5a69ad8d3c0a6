import Glibc
import TestSupport

/// The service manager's end of sd_notify(3).
final class NotifySocket {
    /// For `NOTIFY_SOCKET`.
    let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw TestBedError("\(path): bind fails with \(errno)") }
    }

    deinit { close(descriptor) }

    /// The next message; nil when none comes within that time.
    func next(within milliseconds: Int32 = 10_000) -> String? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var bytes = [UInt8](repeating: 0, count: 256)
        guard poll(&entry, 1, milliseconds) == 1 else { return nil }
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// The next message that is not for the watchdog.
    func nextState() -> String? {
        while let message = next() {
            if message != "WATCHDOG=1" { return message }
        }
        return nil
    }
}
