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
        let (listener, port) = try FreePort.listener()
        (self.listener, self.port) = (listener, port)
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
