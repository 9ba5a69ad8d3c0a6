import Foundation
import Glibc

/// A TCP connection to loopback on which a test says exactly what it wants, as one byte stream.
public final class RawConnection {
    private let descriptor: Int32
    private var text = ""

    /// Connects.
    public init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = FreePort.loopback(UInt16(port))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw TestBedError("nobody listens at port \(port)") }
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
