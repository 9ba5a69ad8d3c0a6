import Glibc
import JobProtocol
import TestSupport
import Testing

@Suite struct UnixSocketOwnerTests {
    @Test func `a datagram socket that somebody holds is not taken for a stale one`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/s"
        let datagram = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(datagram) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(datagram, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        #expect(throws: SocketError.self) { close(try UnixSocket.listen(path: path, mode: 0o600)) }
    }
}
