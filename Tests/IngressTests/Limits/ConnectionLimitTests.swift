import NIOCore
import NIOEmbedded
import Testing

@testable import Ingress

@Suite struct ConnectionLimitTests {
    private func address(_ text: String) throws -> SourceAddress { SourceAddress(try #require(IPAddress(text))) }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "::ffff:192.0.2.1", true), ("2001:db8::1", "2001:db8::ffff:1:2:3", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false), ("fe80::1", "fe80::2", true), ("0.0.0.1", "::1", false),
    ])
    func `one IPv4 address, or one IPv6 network of 64 bits, is one source`(left: String, right: String, isSame: Bool) throws {
        #expect(try (address(left) == address(right)) == isSame)
    }

    @Test func `a socket's peer is a source, a Unix socket's is none`() throws {
        #expect(SourceAddress(try SocketAddress(ipAddress: "192.0.2.1", port: 9)) == (try address("192.0.2.1")))
        #expect(SourceAddress(try SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
        #expect(SourceAddress(nil as SocketAddress?) == nil)
    }

    @Test func `one source has its limit, all have theirs, and places come back`() throws {
        let table = ConnectionTable(.init(total: 3, address: 2))
        let channels = (0..<6).map { _ in EmbeddedChannel() }
        func take(_ index: Int, _ text: String?) throws -> ConnectionTable.Full? {
            table.take(ObjectIdentifier(channels[index]), channels[index], from: try text.map { try address($0) })
        }
        #expect(try take(0, "192.0.2.1") == nil)
        #expect(try take(1, "192.0.2.1") == nil)
        #expect(try take(2, "192.0.2.1") == .address)
        #expect(try take(3, "2001:db8::1") == nil)
        #expect(try take(4, "2001:db8:1::1") == .total)
        table.giveBack(ObjectIdentifier(channels[0]), from: try address("192.0.2.1"))
        #expect(table.count == 2)
        #expect(try take(2, "192.0.2.1") == nil)
        #expect(try take(4, nil) == .total)
        for (index, text) in [(1, "192.0.2.1"), (2, "192.0.2.1"), (3, "2001:db8::1")] {
            table.giveBack(ObjectIdentifier(channels[index]), from: try address(text))
        }
        #expect(table.count == 0)
        #expect(table.addressCount == 0)
    }

    @Test func `a connection that was not taken gives nothing back`() throws {
        let table = ConnectionTable(.init(total: 1, address: 1))
        let (first, second) = (EmbeddedChannel(), EmbeddedChannel())
        let source = try address("192.0.2.1")
        #expect(table.take(ObjectIdentifier(first), first, from: source) == nil)
        table.giveBack(ObjectIdentifier(second), from: source)
        #expect(table.count == 1)
        #expect(table.take(ObjectIdentifier(second), second, from: source) == .total)
    }

    @Test func `the memory of bodies is taken up to its limit and comes back`() {
        let memory = BodyMemory(limit: 10)
        #expect(memory.take(10))
        #expect(!memory.take(1))
        memory.giveBack(4)
        #expect(memory.take(4))
        #expect(memory.count == 10)
        memory.change(to: 11)
        #expect(memory.take(1))
        #expect(!memory.take(1))
    }
}
