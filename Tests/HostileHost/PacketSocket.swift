import Authentication
import Glibc
import TestSupport

/// The binary packet protocol of SSH over a blocking socket (RFC 4253 section 6), from a host's side.
public final class PacketSocket: @unchecked Sendable {  // of one thread; another one may only hang up
    private let descriptor: Int32
    private var sequence: (sent: UInt32, received: UInt32) = (0, 0)
    var sending: PacketCipher?
    var receiving: PacketCipher?

    /// Takes over a connected socket.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        // Whoever misbehaves without an end notices that the test is over by this.
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Ends the connection at once; whoever sends or receives is told.
    public func hangUp() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Sends bytes as they are.
    public func sendRaw(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw TestBedError("the peer has closed") }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends one packet, under the cipher where there is one.
    public func send(_ payload: [UInt8]) throws { try sendRaw(sealed(payload)) }

    /// Sends one packet whose length field is a lie, or whose MAC is wrong.
    public func sendForged(_ payload: [UInt8], length: UInt32? = nil, isMACWrong: Bool = false) throws {
        try sendRaw(sealed(payload, length: length, isMACWrong: isMACWrong))
    }

    /// A packet as it goes over the wire.
    public func sealed(_ payload: [UInt8], length: UInt32? = nil, isMACWrong: Bool = false) -> [UInt8] {
        let block = 16
        let padding = 4 + (block - (payload.count + 9) % block) % block
        var writer = MessageWriter()
        writer.uint32(length ?? UInt32(1 + payload.count + padding))
        let packet = writer.bytes + [UInt8(padding)] + payload + [UInt8](repeating: 0, count: padding)
        defer { sequence.sent &+= 1 }
        guard let sending else { return packet }
        var mac = sending.mac(sequence.sent, packet)
        if isMACWrong { mac[0] ^= 1 }
        return sending.apply(packet) + mac
    }

    /// The payload of the next packet.
    public func receive() throws -> [UInt8] {
        let first = try read(16)
        let head = receiving?.apply(first) ?? first
        var reader = SSHReader(head)
        guard let length = reader.uint32(), length >= 12, length < 300_000 else { throw TestBedError("a packet of no length") }
        let rest = try read(Int(length) - 12)
        let packet = head + (receiving?.apply(rest) ?? rest)
        if let receiving {
            guard try read(PacketCipher.macLength) == receiving.mac(sequence.received, packet) else {
                throw TestBedError("the peer's MAC is wrong")
            }
        }
        sequence.received &+= 1
        return Array(packet[5..<(packet.count - Int(packet[4]))])
    }

    /// A line without its end (RFC 4253 section 4.2).
    func line() throws -> [UInt8] {
        var line: [UInt8] = []
        while let byte = try read(1).first, byte != 0x0a { line.append(byte) }
        return line.last == 0x0d ? line.dropLast() : line
    }

    /// Exactly so many bytes.
    private func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let more = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress?.advanced(by: have), count - have, 0) }
            guard more > 0 else { throw TestBedError("the peer has closed") }
            have += more
        }
        return bytes
    }
}
