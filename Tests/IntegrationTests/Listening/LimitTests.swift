import Foundation
import TestSupport
import Testing

/// Each limit, met over the wire.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct LimitTests {
    private static let bed = Result {
        try ListeningBed.make(
            hooks: """
                  rated: { verify: none, job: quick, rate: { deliveries: 2, per: 1m } }
                  signed: { verify: { hookdeck: { secret: { file: secrets/hookdeck } } }, job: quick, rate: { deliveries: 2, per: 1m } }
                  single: { verify: none, job: pause, concurrency: 1 }

                """
        ) { bed in
            try bed.change(
                bed.listenLine,
                to: bed.listenLine + """

                    limits: { connections-per-address: 8, head-time: 1s, body-time: 2s, idle: 3s, headers: 16, header-size: 1KiB, \
                    headers-size: 4KiB, waiting: 2, body-memory: 1MiB }
                    """)
        }
    }
    private var bed: TestBed { get throws { try Self.bed.get() } }

    private func head(_ length: Int = 2, more: String = "") -> String {
        "POST /hooks/quick HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\(more)\r\n"
    }

    @Test func `a head that does not end is answered 408 in time, though bytes keep coming`() throws {
        let wire = try RawConnection(port: bed.httpPort)
        let started = Date()
        try wire.send("POST /hooks/quick HTTP/1.1\r\nX: ")
        for _ in 0..<3 {
            usleep(250_000)
            try wire.send("x")
        }
        #expect(try wire.readToEnd(within: 5).hasPrefix("HTTP/1.1 408 "))
        #expect((0.9...2.5).contains(Date().timeIntervalSince(started)))
        #expect(try bed.metric("sallyport_http_requests_refused_total{limit=\"head-time\"}") ?? 0 >= 1)
    }

    @Test func `a body that does not end is answered 408 in time`() throws {
        let wire = try RawConnection(port: bed.httpPort)
        let started = Date()
        try wire.send(head(100) + "{")
        let text = try wire.readToEnd(within: 6)
        #expect(text.hasPrefix("HTTP/1.1 408 "), "\(text)")
        #expect(text.contains("application/problem+json"))
        #expect((1.9...4).contains(Date().timeIntervalSince(started)))
        #expect(try bed.metric("sallyport_http_requests_refused_total{limit=\"body-time\"}") ?? 0 >= 1)
    }

    @Test func `a connection without a request is closed in time, before and after one`() throws {
        let fresh = try RawConnection(port: bed.httpPort)
        let used = try RawConnection(port: bed.httpPort)
        try used.send(head() + "{}")
        #expect(try used.read(until: "\"status\":\"succeeded\""))
        #expect(try fresh.readToEnd(within: 6) == "")
        _ = try used.readToEnd(within: 6)
    }

    @Test func `one address has so many connections and no more, and gets them back`() throws {
        #expect(try eventually { try bed.metric("sallyport_http_connections") == 0 })
        var open = try (0..<8).map { _ in try RawConnection(port: bed.httpPort) }
        #expect(try eventually { try bed.metric("sallyport_http_connections") == 8 })
        #expect(try RawConnection(port: bed.httpPort).readToEnd(within: 2) == "")
        #expect(try bed.metric("sallyport_http_connections_refused_total{listener=\"hooks\",limit=\"address\"}") ?? 0 >= 1)
        open.removeAll()
        // One that comes before the ingress has seen them end is refused like the ninth.
        #expect(eventually { (try? bed.deliver(hook: "quick", signature: nil, token: nil).status) == 200 })
    }

    @Test(arguments: [
        (0, 0, 200), (10, 0, 200), (30, 0, 431), (0, 900, 200), (0, 1100, 431), (0, 70_000, 431),
    ])
    func `a head is limited in fields and bytes`(fields: Int, bytes: Int, status: Int) throws {
        var more = (0..<fields).map { "X-\($0): x\r\n" }.joined()
        if bytes > 0 { more += "X-Long: " + String(repeating: "x", count: bytes) + "\r\n" }
        let wire = try RawConnection(port: bed.httpPort)
        try wire.send(head(more: more + "Connection: close\r\n") + "{}")
        #expect(try wire.readToEnd().hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test func `a hook's rate is answered 429 with when to come again`() throws {
        for _ in 0..<2 { #expect(try bed.deliver(hook: "rated", signature: nil, token: nil).status == 200) }
        let answer = try bed.deliver(hook: "rated", signature: nil, token: nil)
        #expect(answer.status == 429)
        #expect((1...60).contains(Int(answer.headers["retry-after"] ?? "") ?? 0))
        #expect(try bed.deliver(hook: "quick", signature: nil, token: nil).status == 200)
        #expect(try bed.metric("sallyport_deliveries_total{hook=\"rated\",outcome=\"rate\"}") == 1)
    }

    @Test func `forgeries use up nothing of a hook's rate`() throws {
        let forged = Data(repeating: 7, count: 32).base64EncodedString()
        for _ in 0..<8 { #expect(try bed.deliver(hook: "signed", signature: forged, token: nil).status == 401) }
        for _ in 0..<2 { #expect(try bed.deliver(hook: "signed", token: nil).status == 200) }
        #expect(try bed.deliver(hook: "signed", token: nil).status == 429)
    }

    @Test func `a hook's places and all places are limited, with 429 and 503`() throws {
        let bed = try bed
        func later(_ hook: String) -> Background<HookAnswer> {
            Background { try bed.deliver(hook: hook, signature: nil, token: nil) }
        }
        let first = later("single")
        #expect(try eventually { try bed.metric("sallyport_deliveries_waiting") == 1 })
        let refused = try bed.deliver(hook: "single", signature: nil, token: nil)
        #expect(refused.status == 429)
        #expect(refused.headers["retry-after"] == "5")
        let second = later("pause")
        #expect(try eventually { try bed.metric("sallyport_deliveries_waiting") == 2 })
        let full = try bed.deliver(hook: "quick", signature: nil, token: nil)
        #expect(full.status == 503)
        #expect(full.headers["retry-after"] == "5")
        #expect(try first.value.status == 200)
        #expect(try second.value.status == 200)
        #expect(try bed.deliver(hook: "single", signature: nil, token: nil).status == 200)
    }

    @Test func `OPTIONS says what may be done, and HEAD is GET without a body`() throws {
        for (path, allowed) in [("/hooks/quick", "POST, OPTIONS"), ("/healthz", "GET, HEAD, OPTIONS")] {
            let wire = try RawConnection(port: bed.httpPort)
            try wire.send("OPTIONS \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let text = try wire.readToEnd()
            #expect(text.hasPrefix("HTTP/1.1 204 "), "\(text)")
            #expect(text.contains("Allow: \(allowed)\r\n"), "\(text)")
            #expect(!text.lowercased().contains("content-length"))
        }
        for (path, status) in [("/hooks/quick", 405), ("/healthz", 200)] {
            let wire = try RawConnection(port: bed.httpPort)
            try wire.send("HEAD \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let text = try wire.readToEnd()
            #expect(text.hasPrefix("HTTP/1.1 \(status) "))
            #expect(text.contains("Allow: POST, OPTIONS\r\n") == (status == 405))
        }
    }
}
