import Foundation
import Glibc
import Synchronization
import TestSupport

/// Carries TCP connections to a port of this machine, byte for byte, until the test drops, stalls or half-closes them.
final class DroppingRelay: Sendable {
    /// How often a carrier looks whether its connection is to be dropped, in milliseconds.
    private static let look: Int32 = 20

    /// Where it listens, on 127.0.0.1.
    let port: Int
    private let listener: Int32
    private let target: Int
    private let links = Mutex<[Link]>([])
    private let isStalled = Atomic(false)

    /// Begins at once.
    init(to target: Int) throws {
        self.target = target
        (listener, port) = try FreePort.listener()
        Thread { self.serve() }.start()
    }

    /// Ends all connections with RST to both sides; false when there is none.
    func reset() -> Bool { forEach { $0.isReset.store(true, ordering: .relaxed) } }

    /// Tells the side that dialled that nothing more comes, and goes on taking what it sends; false when there is no connection.
    func halfClose() -> Bool { forEach { shutdown($0.client, Int32(SHUT_WR)) } }

    /// For so long nothing goes through; false when there is no connection.
    func stall(_ seconds: Double) -> Bool {
        guard forEach({ _ in }) else { return false }
        isStalled.store(true, ordering: .relaxed)
        usleep(UInt32(seconds * 1_000_000))
        isStalled.store(false, ordering: .relaxed)
        return true
    }

    /// Takes no more connections.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func forEach(_ body: (Link) -> Void) -> Bool {
        links.withLock { links in
            for link in links { body(link) }
            return !links.isEmpty
        }
    }

    private func serve() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else {
                if errno == EINTR { continue }
                return _ = close(listener)
            }
            guard let server = dial() else {
                close(client)
                continue
            }
            let link = Link(client: client, server: server)
            links.withLock { $0.append(link) }
            Thread { self.carry(link, from: client, to: server) }.start()
            Thread { self.carry(link, from: server, to: client) }.start()
        }
    }

    private func dial() -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = FreePort.loopback(UInt16(target))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result != 0 else { return descriptor }
        close(descriptor)
        return nil
    }

    /// One way of a connection, until its end; the later of the two closes both descriptors.
    private func carry(_ link: Link, from: Int32, to: Int32) {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while !link.isReset.load(ordering: .relaxed) {
            var entry = pollfd(fd: from, events: Int16(POLLIN), revents: 0)
            if isStalled.load(ordering: .relaxed) || poll(&entry, 1, Self.look) != 1 {
                usleep(1_000)
                continue
            }
            let count = read(from, &bytes, bytes.count)
            guard count > 0, send(all: bytes.prefix(count), to: to) else { break }
        }
        // A FIN first would make of the reset an orderly end.
        if !link.isReset.load(ordering: .relaxed) { shutdown(to, Int32(SHUT_WR)) }
        guard link.ended.add(1, ordering: .relaxed).newValue == 2 else { return }
        links.withLock { $0.removeAll { $0 === link } }
        link.close()
    }

    private func send(all bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private final class Link: Sendable {
        let client: Int32
        let server: Int32
        let isReset = Atomic(false)
        let ended = Atomic(0)

        init(client: Int32, server: Int32) { (self.client, self.server) = (client, server) }

        func close() {
            for descriptor in [client, server] {
                // What is closed with nothing to linger for is reset.
                var now = linger(l_onoff: 1, l_linger: 0)
                if isReset.load(ordering: .relaxed) {
                    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
                }
                Glibc.close(descriptor)
            }
        }
    }
}
