import Foundation
import Glibc
import TestSupport

/// A port that takes no more connections and refuses none, like a host that is off: its queue is full.
final class SilentPort {
    let port: Int
    private let listener: Int32
    private var waiting: [Int32] = []

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = FreePort.loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                bind(listener, place, size) == 0 && listen(listener, 0) == 0 ? getsockname(listener, place, &size) : -1
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard bound == 0 else { throw TestBedError("cannot listen") }
        for _ in 0..<4 {
            let caller = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            withUnsafePointer(to: &address) {
                _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(caller, $0, size) }
            }
            waiting.append(caller)
        }
    }

    deinit { for descriptor in waiting + [listener] { close(descriptor) } }
}
