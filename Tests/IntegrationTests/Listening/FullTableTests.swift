import Foundation
import TestSupport
import Testing

/// All places of the listener taken, over the wire.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct FullTableTests {
    private static let total = 6
    private static let bed = Result {
        try ListeningBed.make(hooks: DeliveryTests.hook("slow", job: "pause")) { bed in
            try bed.change(
                bed.listenLine,
                to: """
                    listen: { address: "::", port: \(bed.httpPort) }
                    limits: { connections: \(total), connections-per-address: 4, body-memory: 1MiB, body-rate: 100KiB }
                    """)
        }
    }
    private var bed: TestBed { get throws { try Self.bed.get() } }
    private static let closed = "sallyport_http_connections_closed_for_room_total{listener=\"hooks\"}"
    private static let refused = "sallyport_http_connections_refused_total{listener=\"hooks\",limit=\"total\"}"

    private func connect(_ number: Int) throws -> RawConnection {
        let before = try bed.metric("sallyport_http_connections") ?? 0
        let wire = try RawConnection(port: bed.httpPort, from: "127.0.0.\(number)")
        guard
            try eventually({
                try bed.metric("sallyport_http_connections") ?? 0 > before || before == Double(Self.total)
            })
        else { throw TestBedError("connection \(number) is not taken") }
        return wire
    }

    private func waitUntilEmpty() throws { #expect(try eventually { try bed.metric("sallyport_http_connections") == 0 }) }

    private func post(_ hook: String, bytes: Int = 2, more: String = "") -> String {
        "POST /hooks/\(hook) HTTP/1.1\r\nHost: x\r\nContent-Length: \(bytes)\r\n\(more)\r\n"
    }

    @Test func `with all places taken by idle connections a good delivery is answered, and the oldest of them goes`() throws {
        try waitUntilEmpty()
        let before = try bed.metric(Self.closed) ?? 0
        var wires = try (1...2).map { try connect($0) }
        // One that drips a head is as idle as one that says nothing, however lately it said something.
        try wires[0].send("POST /hooks/quick HTTP/1.1\r\nX: ")
        wires += try (3...Self.total).map { try connect($0) }
        // Between two requests, and so the newest.
        try wires[1].send(post("quick") + "{}")
        #expect(try wires[1].read(until: "\"status\":\"succeeded\""))
        try wires[0].send("x")
        #expect(try bed.metric("sallyport_http_connections") == Double(Self.total))
        #expect(try bed.deliver(hook: "quick", signature: nil, token: nil).status == 200)
        #expect(try bed.metric(Self.closed) == before + 1)
        #expect(wires.map(\.isClosed) == [true, false, false, false, false, false])
        // curl has left a place; two more take it, and that of the third.
        wires.append(try connect(20))
        let last = try connect(21)
        #expect(eventually { wires[2].isClosed })
        try wires[1].send(post("quick") + "{}")
        #expect(try wires[1].read(until: "\"status\":\"succeeded\""))
        try last.send(post("quick") + "{}")
        #expect(try last.read(until: "\"status\":\"succeeded\""))
    }

    @Test func `with all places taken by running requests another connection is told when to come again`() throws {
        try waitUntilEmpty()
        let before = try (bed.metric(Self.refused) ?? 0, bed.metric(Self.closed) ?? 0)
        let wires = try (1...Self.total).map { try connect($0) }
        for wire in wires { try wire.send(post("slow") + "{}") }
        #expect(try eventually { try bed.metric("sallyport_deliveries_waiting") == Double(Self.total) })
        let text = try RawConnection(port: bed.httpPort, from: "127.0.0.9").readToEnd()
        #expect(text.hasPrefix("HTTP/1.1 503 "), "\(text)")
        #expect(text.contains("Retry-After: 5\r\n") && text.contains("\"status\":503"), "\(text)")
        for wire in wires { #expect(try wire.read(until: "\"status\":\"succeeded\"")) }
        #expect(try bed.metric(Self.refused) == before.0 + 1)
        #expect(try bed.metric(Self.closed) == before.1)
        #expect(try bed.deliver(hook: "quick", signature: nil, token: nil).status == 200)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/net/if_inet6")))
    func `an address of IPv6 has its share, and IPv4 through the same socket has its own`() throws {
        try waitUntilEmpty()
        let wires = try (0..<4).map { _ in try RawConnection(port: bed.httpPort, from: "::1") }
        #expect(try RawConnection(port: bed.httpPort, from: "::1").readToEnd(within: 2) == "")
        #expect(try bed.metric("sallyport_http_connections_refused_total{listener=\"hooks\",limit=\"address\"}") == 1)
        #expect(try bed.deliver(hook: "quick", signature: nil, token: nil).status == 200)
        #expect(wires.allSatisfy { !$0.isClosed })
    }

    @Test func `a burst waits in the kernel until the ingress comes to it`() throws {
        let bed = try bed
        kill(bed.ingress.pid, SIGSTOP)
        defer { kill(bed.ingress.pid, SIGCONT) }
        let wires = try (0..<600).map { _ in try RawConnection(port: bed.httpPort) }
        kill(bed.ingress.pid, SIGCONT)
        #expect(try eventually { try bed.metric("sallyport_http_connections") == 4 })
        #expect(eventually { wires.count { $0.isClosed } == 596 })
    }

    @Test func `bodies that are being read have a bound together, and it is given back`() throws {
        try waitUntilEmpty()
        let piece = String(repeating: "x", count: 700_000)
        let first = try connect(1)
        try first.send(post("quick", bytes: 800_000) + piece)
        #expect(try eventually { try bed.metric("sallyport_http_body_bytes") == 700_000 })
        let second = try connect(2)
        try second.send(post("quick", bytes: 800_000) + piece)
        let text = try second.readToEnd()
        #expect(text.hasPrefix("HTTP/1.1 503 ") && text.contains("Retry-After: 5\r\n"), "\(text)")
        #expect(try bed.metric("sallyport_deliveries_total{hook=\"quick\",outcome=\"body-memory\"}") == 1)
        try first.send(String(repeating: "x", count: 100_000))
        #expect(try first.read(until: "HTTP/1.1 "))
        #expect(try eventually { try bed.metric("sallyport_http_body_bytes") == 0 })
    }

    @Test func `a body below its rate is answered 408 after the grace, though bytes keep coming`() throws {
        try waitUntilEmpty()
        let wire = try connect(1)
        let started = Date()
        try wire.send(post("quick", bytes: 100_000))
        for _ in 0..<8 {
            try wire.send("x")
            usleep(500_000)
        }
        let text = try wire.readToEnd()
        #expect(text.hasPrefix("HTTP/1.1 408 "), "\(text)")
        #expect((4.5...8).contains(Date().timeIntervalSince(started)))
        #expect(try bed.metric("sallyport_http_requests_refused_total{limit=\"body-rate\"}") == 1)
    }

    @Test(arguments: ["", "Host: x\r\nHost: x\r\n", "Host: a/b\r\n"])
    func `a request without one Host is answered 400`(hosts: String) throws {
        let wire = try RawConnection(port: bed.httpPort)
        try wire.send("POST /hooks/quick HTTP/1.1\r\nContent-Length: 2\r\n\(hosts)\r\n{}")
        #expect(try wire.readToEnd().hasPrefix("HTTP/1.1 400 "))
        let operations = try RawConnection(port: bed.operationsPort)
        try operations.send("GET /metrics HTTP/1.1\r\n\(hosts)\r\n")
        #expect(try operations.read(until: "HTTP/1.1 400 "))
    }

    @Test func `a flood of refusals writes few lines, and good deliveries all theirs`() throws {
        let forged = Data(repeating: 7, count: 32).base64EncodedString()
        let wire = try RawConnection(port: bed.httpPort)
        for _ in 0..<100 {
            try wire.send(post("github", more: "X-Hookdeck-Signature: \(forged)\r\n") + "{}")
            #expect(try wire.read(until: "\r\n\r\n"))
        }
        for _ in 0..<30 { #expect(try bed.deliver(hook: "quick", signature: nil, token: nil).status == 200) }
        let lines = try bed.ingress.text.split(separator: "\n")
        let refused = lines.count { $0.contains("delivery refused") && $0.contains("signature") }
        #expect((20...40).contains(refused), "\(refused)")
        let suppressed = try bed.metric("sallyport_log_lines_suppressed_total{outcome=\"signature-mismatch\"}") ?? 0
        #expect(refused + Int(suppressed) == 100)
        #expect(lines.count { $0.contains("delivery verified") && $0.contains("\"quick\"") } >= 30)
    }
}
