import Foundation
import Glibc
import Synchronization
import TestSupport

/// An HTTP server on loopback that answers what a test says: the answers in turn, and the last one from then on.
final class ScriptedDestination: Sendable {
    let port: Int
    private let listener: Int32
    private let answers: Mutex<[(status: Int, retryAfter: String?)]>

    init(_ answers: [(status: Int, retryAfter: String?)]) throws {
        self.answers = Mutex(answers)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = FreePort.loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                bind(listener, place, size) == 0 ? getsockname(listener, place, &size) : -1
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard bound == 0, listen(listener, 64) == 0 else { throw TestBedError("the destination cannot listen") }
        Thread { [listener, weak self] in
            while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
                self?.serve(descriptor)
                close(descriptor)
            }
            close(listener)
        }.start()
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Without looking at the request, which is small enough to be there at once.
    private func serve(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        guard read(descriptor, &bytes, bytes.count) > 0 else { return }
        let (status, retryAfter) = answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        let reply =
            "HTTP/1.1 \(status) X\r\nContent-Length: 0\r\nConnection: close\r\n"
            + (retryAfter.map { "Retry-After: \($0)\r\n" } ?? "") + "\r\n"
        _ = Array(reply.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}
