import NIOCore
import NIOEmbedded
import Testing

@testable import Ingress
@testable import Telemetry

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

    /// A table, and who asks it for a place.
    private final class Bench {
        let table: ConnectionTable
        private let closed = Counter()
        var madeRoom: Int { closed.value }

        init(total: Int, address: Int) {
            let closed = closed
            table = ConnectionTable(.init(total: total, address: address)) { closed.increment(by: $0) }
        }

        func take(_ text: String? = nil) throws -> (place: ConnectionPlace, channel: EmbeddedChannel) {
            let channel = EmbeddedChannel()
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/tmp/x")).wait()
            let source = try text.map { SourceAddress(try #require(IPAddress($0))) }
            return (try table.take(channel, from: source), channel)
        }
    }

    @Test func `one source has its limit, and its places come back`() throws {
        let bench = Bench(total: 3, address: 2)
        let first = try bench.take("192.0.2.1")
        _ = try bench.take("192.0.2.1")
        #expect(throws: ConnectionTable.Full.address) { try bench.take("192.0.2.1") }
        _ = try bench.take("2001:db8::1")
        try first.channel.close().wait()
        first.channel.embeddedEventLoop.run()
        #expect((bench.table.count, bench.table.idleCount, bench.table.addressCount) == (2, 2, 2))
        _ = try bench.take("192.0.2.1")
        #expect(throws: ConnectionTable.Full.address) { try bench.take("192.0.2.1") }
        #expect(bench.madeRoom == 0)
    }

    @Test func `when all places are taken the one that has been idle for longest makes room`() throws {
        let bench = Bench(total: 3, address: 2)
        let taken = try ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map { try bench.take($0) }
        // The first has a request and is idle again: now it is the newest of them.
        taken[0].place.requestBegan()
        taken[0].place.requestEnded()
        _ = try bench.take("192.0.2.4")
        #expect(taken.map(\.channel.isActive) == [true, false, true])
        #expect((bench.table.count, bench.table.addressCount) == (3, 3))
        _ = try bench.take("192.0.2.5")
        _ = try bench.take("192.0.2.6")
        #expect(taken.map(\.channel.isActive) == [false, false, false])
        #expect((bench.table.count, bench.table.addressCount) == (3, 3))
        #expect(bench.madeRoom == 3)
    }

    @Test func `in the middle of a request nobody makes room`() throws {
        let bench = Bench(total: 2, address: 2)
        let (one, two) = (try bench.take("192.0.2.1"), try bench.take("192.0.2.2"))
        one.place.requestBegan()
        // Two streams of one connection.
        two.place.requestBegan()
        two.place.requestBegan()
        #expect(throws: ConnectionTable.Full.total) { try bench.take("192.0.2.3") }
        two.place.requestEnded()
        #expect(throws: ConnectionTable.Full.total) { try bench.take(nil) }
        two.place.requestEnded()
        _ = try bench.take("192.0.2.3")
        #expect(one.channel.isActive)
        #expect(!two.channel.isActive)
        // What ends after its connection gives nothing back.
        two.place.requestBegan()
        two.place.requestEnded()
        #expect((bench.table.count, bench.table.idleCount) == (2, 1))
    }

    @Test func `an address that has its share makes nobody else go`() throws {
        let bench = Bench(total: 3, address: 2)
        let other = try bench.take("192.0.2.2")
        for _ in 0..<2 { _ = try bench.take("192.0.2.1") }
        for _ in 0..<5 { #expect(throws: ConnectionTable.Full.address) { try bench.take("192.0.2.1") } }
        #expect(other.channel.isActive)
    }

    @Test func `a lowered limit is kept with the next connection, and only at the cost of idle ones`() throws {
        let bench = Bench(total: 4, address: 4)
        let taken = try (0..<4).map { _ in try bench.take("192.0.2.1") }
        taken[0].place.requestBegan()
        bench.table.change(to: .init(total: 1, address: 4))
        #expect(throws: ConnectionTable.Full.total) { try bench.take("192.0.2.2") }
        #expect(taken.allSatisfy { $0.channel.isActive })
        bench.table.change(to: .init(total: 2, address: 4))
        _ = try bench.take("192.0.2.2")
        #expect(taken.map(\.channel.isActive) == [true, false, false, false])
        #expect(bench.table.count == 2)
    }

    @Test func `the idle stand in the order in which they became so, whoever leaves`() {
        var order = IdleOrder<Int>()
        func all() -> [Int] {
            var (copy, found) = (order, [Int]())
            while let oldest = copy.oldest {
                found.append(oldest)
                copy.remove(oldest)
            }
            return found
        }
        for id in 1...5 { order.append(id) }
        order.append(3)
        #expect(all() == [1, 2, 3, 4, 5])
        for id in [1, 3, 5, 9] { order.remove(id) }
        #expect(all() == [2, 4])
        order.append(5)
        order.remove(2)
        order.remove(4)
        #expect((all(), order.count) == ([5], 1))
        order.remove(5)
        order.append(6)
        #expect(all() == [6])
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
