import Foundation
import TestSupport
import Testing

/// TLS and HTTP/2, with the real curl and openssl.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct TLSTests {
    private let bed: TestBed
    private let certificates: Certificates

    init() throws {
        bed = try ListeningBed.make(start: false)
        certificates = try Certificates(bed.box.appending(path: "tls"))
    }

    private func start(_ more: String = "", limits: String = "") throws {
        try bed.change(
            bed.listenLine,
            to:
                "listen: { address: 127.0.0.1, port: \(bed.httpPort), tls: { certificate: tls/server.pem, private-key: { file: tls/server.key }\(more) } }\(limits)"
        )
        try bed.start()
    }

    private var url: String { "https://localhost:\(bed.httpPort)/hooks/quick" }
    private var trust: [String] { ["--cacert", certificates.path("ca.pem")] }

    private func post(_ more: String...) throws -> Command {
        try Command.run(
            "/usr/bin/curl",
            ["-s", "--max-time", "20", "--data", "{}", "-o", "/dev/null", "-w", "%{http_version} %{http_code}\n"] + trust + more
                + [url])
    }

    private func servedFingerprint() throws -> String {
        let shown = try Command.run(
            "/bin/sh",
            [
                "-c",
                "openssl s_client -connect 127.0.0.1:\(bed.httpPort) </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256",
            ])
        return shown.output
    }

    @Test func `it speaks HTTP/2 and HTTP/1.1 over TLS 1.2 and 1.3, and nothing in the clear`() throws {
        try start()
        #expect(try post("--http2").output == "2 200\n")
        #expect(try post("--http1.1").output == "1.1 200\n")
        #expect(try post("--tls-max", "1.2").output == "2 200\n")
        #expect(try post("--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-SHA").code != 0)
        let clear = try Command.run("/usr/bin/curl", ["-s", "--max-time", "5", "http://127.0.0.1:\(bed.httpPort)/healthz"])
        #expect(clear.code != 0)
        #expect(try bed.metric("sallyport_tls_handshakes_total{outcome=\"done\"}") ?? 0 >= 3)
        #expect(try bed.metric("sallyport_tls_handshakes_total{outcome=\"failed\"}") ?? 0 >= 1)
        #expect(try bed.metric("sallyport_tls_certificate_expiry_seconds") ?? 0 > Date().timeIntervalSince1970)
        // A body of many frames, refusals, and what has no body.
        let big = Data(repeating: 0x20, count: 900_000)
        let sent = try Command.run(
            "/usr/bin/curl", ["-s", "--http2", "--data-binary", "@-", "-o", "/dev/null", "-w", "%{http_code}"] + trust + [url],
            input: big)
        #expect(sent.output == "200")
        let large = try Command.run(
            "/usr/bin/curl", ["-s", "--http2", "--data-binary", "@-", "-o", "/dev/null", "-w", "%{http_code}"] + trust + [url],
            input: big + big)
        #expect(large.output == "413")
        #expect(try post("--http2", "-X", "OPTIONS").output == "2 204\n")
        #expect(try post("--http2", "-H", "X-Long: " + String(repeating: "x", count: 100_000)).output != "2 200\n")
        #expect(try post("--http2").output == "2 200\n")
    }

    @Test func `many streams on one connection are all answered`() throws {
        try start()
        var arguments = ["-s", "--http2", "--parallel", "--parallel-max", "50", "--max-time", "30", "--data", "{}"] + trust
        for _ in 0..<40 { arguments += ["-o", "/dev/null", "-w", "%{http_code}\n", url] }
        let answers = try Command.run("/usr/bin/curl", arguments)
        #expect(answers.output.split(separator: "\n").count { $0 == "200" } == 40, "\(answers.output)")
    }

    @Test func `with a client-ca nobody without one of its certificates gets in`() throws {
        try start(", client-ca: tls/ca.pem")
        #expect(try post().code != 0)
        let client = ["--cert", certificates.path("client.pem"), "--key", certificates.path("client.key")]
        #expect(try post(client[0], client[1], client[2], client[3]).output == "2 200\n")
        let stranger = try Certificates(bed.box.appending(path: "other"))
        #expect(try post("--cert", stranger.path("client.pem"), "--key", stranger.path("client.key")).code != 0)
    }

    @Test func `a hook takes the client certificates it names, and no others`() throws {
        try bed.append(
            """
              named: { verify: { mtls: { names: [ci.example] } }, job: quick }
              other: { verify: { mtls: { names: ["spiffe://example/other"] } }, job: quick }

            """, to: "ingress.yaml")
        try start(", client-ca: tls/ca.pem, client-certificate: optional")
        func status(_ hook: String, _ version: String, shows: Bool = true) throws -> String {
            let client = shows ? ["--cert", certificates.path("client.pem"), "--key", certificates.path("client.key")] : []
            return try Command.run(
                "/usr/bin/curl",
                ["-s", version, "--max-time", "20", "--data", "{}", "-o", "/dev/null", "-w", "%{http_code}"] + trust + client
                    + ["https://localhost:\(bed.httpPort)/hooks/\(hook)"]
            ).output
        }
        for version in ["--http1.1", "--http2"] {
            #expect(try status("named", version) == "200")
            #expect(try status("named", version, shows: false) == "401")
            #expect(try status("other", version) == "401")
            #expect(try status("quick", version, shows: false) == "200")
        }
    }

    @Test func `a delivery is answered with its events, over HTTP/2 too`() throws {
        try start()
        for version in ["--http1.1", "--http2"] {
            let answer = try Command.run(
                "/usr/bin/curl",
                ["-sN", version, "--max-time", "20", "--data", "{}", "-H", "Accept: text/event-stream"] + trust + [url])
            #expect(answer.code == 0)
            #expect(answer.output.contains("event: result\n"), "\(version) \(answer.output)")
        }
    }

    @Test func `a rule knows where a delivery comes from, over HTTP/2 too`() throws {
        try bed.append(
            """
              near: { verify: none, job: quick, when: { source-address: [127.0.0.0/8, "::1"] }, otherwise: refuse }
              far: { verify: none, job: quick, when: { source-address: [192.0.2.0/24] }, otherwise: refuse }

            """, to: "ingress.yaml")
        try start("")
        for version in ["--http1.1", "--http2"] {
            for (hook, status) in [("near", "200"), ("far", "403")] {
                let answer = try Command.run(
                    "/usr/bin/curl",
                    ["-s", version, "--max-time", "20", "--data", "{}", "-o", "/dev/null", "-w", "%{http_code}"] + trust
                        + ["https://localhost:\(bed.httpPort)/hooks/\(hook)"])
                #expect(answer.output == status, "\(hook) \(version)")
            }
        }
    }

    @Test func `stopped while a delivery waits over HTTP/2, it still answers`() throws {
        try start()
        let arguments = ["-s", "--http2", "--max-time", "20", "--data", "{}", "-o", "/dev/null", "-w", "%{http_code}"] + trust
        let pause = "https://localhost:\(bed.httpPort)/hooks/pause"
        let waiting = Background { try Command.run("/usr/bin/curl", arguments + [pause]).output }
        #expect(try eventually { try bed.metric("sallyport_deliveries_waiting") == 1 })
        #expect(bed.ingress.stop(SIGTERM, within: 10) == 0)
        #expect(try waiting.value == "200")
    }

    @Test func `a handshake that does not come is not waited for`() throws {
        try start(limits: "\nlimits: { head-time: 1s }")
        #expect(try RawConnection(port: bed.httpPort).readToEnd(within: 4) == "")
        #expect(try bed.metric("sallyport_tls_handshakes_total{outcome=\"late\"}") == 1)
    }

    @Test func `a new certificate is served after SIGHUP, without a restart`() throws {
        try start()
        let before = try servedFingerprint()
        #expect(before.contains("Fingerprint"))
        try certificates.issue("server", names: "DNS:localhost")
        #expect(try servedFingerprint() == before)
        #expect(try bed.reload("done"))
        #expect(try servedFingerprint() != before)
        #expect(try post().output == "2 200\n")
        // A key that is another's changes nothing.
        let now = try servedFingerprint()
        try certificates.issue("other", names: "DNS:localhost")
        try bed.change("tls/server.key", to: "tls/other.key")
        #expect(try bed.reload("refused"))
        #expect(bed.ingress.text.contains("does the key belong to the first certificate?"))
        #expect(try servedFingerprint() == now)
    }

    @Test func `a private key that others can read is refused`() throws {
        chmod(certificates.path("server.key"), 0o644)
        #expect(throws: (any Error).self) { try start() }
        #expect(bed.ingress.text.contains("chmod 600"))
    }
}
