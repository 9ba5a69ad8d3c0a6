import Foundation
import Glibc

/// A TCP connection to loopback on which a test says exactly what it wants, as one byte stream.
public final class RawConnection {
    private let descriptor: Int32
    private var text = ""

    /// Connects from an address of the loopback network: to 127.0.0.1, or from an IPv6 address to ::1.
    public init(port: Int, from address: String = "127.0.0.1") throws {
        let is6 = address.contains(":")
        descriptor = socket(is6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var time = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        guard Self.name(address, 0, { bind(descriptor, $0, $1) }) == 0 else {
            throw TestBedError("\(address) is not this host's")
        }
        guard Self.name(is6 ? "::1" : "127.0.0.1", port, { connect(descriptor, $0, $1) }) == 0 else {
            throw TestBedError("nobody listens at port \(port)")
        }
    }

    /// Lends an address as the kernel wants it.
    private static func name(_ host: String, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        guard host.contains(":") else {
            var address = FreePort.loopback(UInt16(port))
            address.sin_addr.s_addr = inet_addr(host)
            return lend(&address, body)
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = UInt16(port).bigEndian
        inet_pton(AF_INET6, host, &address.sin6_addr)
        return lend(&address, body)
    }

    private static func lend<Address>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Address>.size)) }
        }
    }

    deinit { close(descriptor) }

    /// Sends all of it.
    public func send(_ text: some StringProtocol) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw TestBedError("the connection is closed") }
            rest = rest.dropFirst(count)
        }
    }

    /// The other side has closed, by now.
    public var isClosed: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count == 0 || count < 0 && errno != EAGAIN
    }

    /// Says that nothing more will be sent.
    public func closeWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads until `mark` is there and drops what was read; false when the other side closed before.
    public func read(until mark: String, within seconds: Int = 10) throws -> Bool {
        while !text.contains(mark) { guard try more(seconds) else { return false } }
        text = ""
        return true
    }

    /// All that comes until the other side closes.
    public func readToEnd(within seconds: Int = 10) throws -> String {
        while try more(seconds) {}
        defer { text = "" }
        return text
    }

    private func more(_ seconds: Int) throws -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(seconds * 1000)) == 1 else { throw TestBedError("nothing came within \(seconds) s: \(text)") }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return false }
        text += String(decoding: bytes.prefix(count), as: UTF8.self)
        return true
    }
}
