import Foundation
import TestSupport
import Testing

/// What senders do with a connection, byte by byte.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct ConnectionTests {
    private static let bed = Result {
        try TestBed(
            jobs: """
                  quick:
                    command: [echo, quick]
                    destinations: [web-1]
                    timeout: 10s

                """, hooks: DeliveryTests.hook("quick"))
    }
    private var bed: TestBed { get throws { try Self.bed.get() } }

    private func request(
        _ method: String = "POST", _ path: String = "/hooks/quick", body: String = "{}", more: String = ""
    ) -> String { Self.request(method, path, body, more) }

    private static func request(_ method: String, _ path: String, _ body: String, _ more: String) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)"
    }

    @Test func `requests in one packet are answered in order, the last one's Connection header closing`() throws {
        let wire = try RawConnection(port: bed.httpPort)
        try wire.send(request() + request("GET", "/healthz", body: "") + request(more: "Connection: close\r\n"))
        let text = try wire.readToEnd()
        #expect(text.components(separatedBy: "HTTP/1.1 200 OK").count == 4, "\(text)")
        #expect(text.components(separatedBy: "\"duplicate\":false").count == 3)
    }

    @Test func `a second request whose body comes after the first answer is answered`() throws {
        let wire = try RawConnection(port: bed.httpPort)
        let second = request(more: "Connection: close\r\n")
        try wire.send(request() + second.dropLast(2))
        #expect(try wire.read(until: "\"status\":\"succeeded\""))
        try wire.send(String(second.suffix(2)))
        #expect(try wire.readToEnd().contains("\"status\":\"succeeded\""))
    }

    @Test(arguments: ["x", "POST /hooks/quick HTTP/1.1\r\n"])
    func `bytes behind the last request do not cost it its answer`(more: String) throws {
        let wire = try RawConnection(port: bed.httpPort)
        try wire.send(request(more: "Connection: close\r\n") + more)
        wire.closeWriting()
        #expect(try wire.readToEnd().contains("\"status\":\"succeeded\""))
    }

    @Test func `a sender that closes its side still gets its answer`() throws {
        let wire = try RawConnection(port: bed.httpPort)
        try wire.send(request())
        wire.closeWriting()
        #expect(try wire.readToEnd().contains("\"status\":\"succeeded\""))
    }

    @Test func `two hundred deliveries over eight connections succeed, past every checkpoint of the journal's log`() throws {
        let port = try bed.httpPort
        let senders = (0..<8).map { sender in
            Background {
                let wire = try RawConnection(port: port)
                for number in 0..<25 {
                    try wire.send(
                        Self.request("POST", "/hooks/quick", "{}", "X-Hookdeck-EventID: evt_many_\(sender)_\(number)\r\n"))
                    guard try wire.read(until: "\"destinations\":") else {
                        throw TestBedError("delivery \(number) has no answer")
                    }
                }
            }
        }
        for sender in senders { try sender.value }
        let jobs = try bed.jobs(["--limit", "1000"]).filter { ($0["event"] as? String)?.hasPrefix("evt_many") ?? false }
        #expect(jobs.count == 200)
        #expect(jobs.allSatisfy { $0["status"] as? String == "succeeded" })
        #expect(try !bed.executor.text.contains("signal"))
    }

    @Test(arguments: ["/hooks/quick", "/healthz", "/nothing"])
    func `an answer to HEAD has no body`(path: String) throws {
        let wire = try RawConnection(port: bed.httpPort)
        try wire.send(request("HEAD", path, body: "", more: "Connection: close\r\n"))
        #expect(try wire.readToEnd().hasSuffix("\r\n\r\n"))
    }

    @Test func `refused senders that stay are closed, and neither they nor idle ones keep anybody from health`() throws {
        let body = String(repeating: "x", count: 65_537)
        let refused = try (0..<64).map { _ in try RawConnection(port: bed.httpPort) }
        for wire in refused { try wire.send(request("POST", "/x", body: body)) }
        for wire in refused { #expect(try wire.readToEnd(within: 5).hasPrefix("HTTP/1.1 404")) }
        let idle = try (0..<200).map { _ in try RawConnection(port: bed.httpPort) }
        let health = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/healthz"])
        #expect(health.output == "ok\n")
        #expect(idle.count == 200)
    }

    @Test func `a hundred health checks that close their side leave nothing open`() throws {
        for _ in 0..<100 {
            let wire = try RawConnection(port: bed.operationsPort)
            try wire.send(request("GET", "/healthz", body: ""))
            wire.closeWriting()
            #expect(try wire.readToEnd().hasPrefix("HTTP/1.1 200"))
        }
    }
}
