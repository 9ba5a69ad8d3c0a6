import Foundation
import TestSupport
import Testing

/// The bounds of one HTTP/2 connection, each met from below and from above.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct HTTP2LimitTests {
    private typealias Wire = HTTP2Wire

    private static let bed = Result {
        try ListeningBed.make { bed in
            _ = try Certificates(bed.box.appending(path: "tls"))
            let tls = "tls: { certificate: tls/server.pem, private-key: { file: tls/server.key } }"
            try bed.change(bed.listenLine, to: "listen: { address: 127.0.0.1, port: \(bed.httpPort), \(tls) }")
        }
    }
    private var bed: TestBed { get throws { try Self.bed.get() } }

    /// ENHANCE_YOUR_CALM, RFC 9113 section 7.
    private static let calm = 0xb

    private func send(_ frames: [Wire.Frame]) throws -> Wire.Answer { try Wire.send(frames, port: bed.httpPort) }

    private func streams(_ count: Int) -> [UInt32] { (0..<count).map { UInt32($0 * 2 + 1) } }

    @Test func `its settings say what it takes`() throws {
        let settings = try #require(try send([]).frames.first { $0.type == 4 && $0.flags == 0 }).payload
        let values = stride(from: 0, to: settings.count, by: 6).map { offset in
            settings[offset..<(offset + 6)].reduce(0) { $0 << 8 | Int($1) }
        }
        #expect(values.contains(3 << 32 | 64))
        #expect(values.contains(6 << 32 | 65_536))
    }

    @Test func `64 requests at once, and no more`() throws {
        func opened(_ count: Int) -> [Wire.Frame] { streams(count).flatMap { Wire.headers($0, Wire.head("/hooks/quick")) } }
        let most = try send(opened(64))
        #expect(most.isAlive)
        #expect(most.count(3) == 0)
        let more = try send(opened(65))
        #expect(more.goodbye != nil, "\(more)")
        // What a client has not acknowledged does not bind it (RFC 9113 section 6.5.3); 100 does.
        #expect(try Wire.send(opened(100), port: bed.httpPort, acknowledges: false).isAlive)
        #expect(try Wire.send(opened(101), port: bed.httpPort, acknowledges: false).goodbye != nil)
        #expect(try eventually { try bed.metric("sallyport_http_connections") == 0 })
    }

    @Test func `100 streams may be reset, the next one ends the connection`() throws {
        func resets(_ count: Int) -> [Wire.Frame] {
            streams(count).flatMap { Wire.headers($0, Wire.head("/hooks/quick")) + [Wire.reset($0)] }
        }
        #expect(try send(resets(100)).isAlive)
        #expect(try send(resets(101)).goodbye == Self.calm)
        #expect(try eventually { try bed.metric("sallyport_http_connections") == 0 })
    }

    @Test func `200 control frames, and no more`() throws {
        // Both SETTINGS and the last PING count.
        func pings(_ count: Int) -> [Wire.Frame] { (3..<count).map { _ in .init(type: 6, payload: Array("pingping".utf8)) } }
        #expect(try send(pings(200)).isAlive)
        #expect(try send(pings(201)).goodbye == Self.calm)
    }

    @Test func `a head comes in HEADERS and at most 5 CONTINUATION`() throws {
        func head(_ pieces: Int) -> [Wire.Frame] {
            let head = Wire.head("/hooks/quick", Wire.field("x-long", bytes: 1000))
            return Wire.headers(1, head, size: (head.count + pieces - 1) / pieces)
        }
        #expect(head(6).count == 6)
        #expect(try send(head(6)).isAlive)
        #expect(try send(head(7)).goodbye != nil)
        // One that never ends.
        let endless = [Wire.Frame(type: 1, stream: 1)] + (0..<1000).map { _ in Wire.Frame(type: 9, stream: 1) }
        #expect(try send(endless).goodbye != nil)
    }

    @Test func `a head has 64 KiB, however few bytes say it`() throws {
        func repeated(_ count: Int) -> [Wire.Frame] {
            // The field goes into the table, and each byte that follows says it again.
            Wire.headers(
                1, Wire.head("/hooks/quick", Wire.field("x", bytes: 3900, isKept: true)) + Array(repeating: 0xbe, count: count))
        }
        #expect(try send(repeated(10)).isAlive)
        #expect(try !send(repeated(20)).isAlive)
        let long = (0..<3).flatMap { Wire.field("x-\($0)", bytes: 15_000) }
        #expect(try send(Wire.headers(1, Wire.head("/hooks/quick", long))).isAlive)
        #expect(try !send(Wire.headers(1, Wire.head("/hooks/quick", long + long))).isAlive)
    }

    @Test func `after all that it serves others`() throws {
        let answer = try Command.run(
            "/usr/bin/curl",
            [
                "-sk", "--http2", "--max-time", "20", "--data", "{}", "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
                "https://127.0.0.1:\(bed.httpPort)/hooks/quick",
            ])
        #expect(answer.output == "2 200")
    }
}
