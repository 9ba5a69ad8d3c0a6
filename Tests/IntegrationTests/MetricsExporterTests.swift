import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

/// `sallyport metrics --listen`: the executor's metrics over HTTP, from a process that is no part of it.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct MetricsExporterTests {
    private let bed: TestBed
    private let exporter: Daemon
    private let port: Int

    init() throws {
        bed = try TestBed(jobs: ListeningBed.jobs, hooks: ListeningBed.hooks, start: false)
        port = try FreePort.next()
        exporter = Daemon(
            try TestBed.binary("sallyport"),
            ["metrics", "--listen", "127.0.0.1:\(port)", "--socket", bed.box.appending(path: "run/admin.sock").path],
            log: bed.folder.appending(path: "exporter.log"))
    }

    private func start() throws {
        try exporter.start()
        try #require(try eventually { exporter.text.contains("serves /metrics") }, "\(exporter.text)")
    }

    private func get(_ more: String..., path: String = "/metrics") throws -> HookAnswer {
        try TestBed.parse(
            try Command.run(
                "/usr/bin/curl", ["-s", "-i", "--max-time", "20"] + more + ["http://127.0.0.1:\(port)\(path)"]))
    }

    @Test func `metrics are served in the format that is asked for, and nothing else is served`() throws {
        defer { exporter.stop(SIGKILL) }
        try bed.start()
        try start()
        let text = try get()
        #expect(text.status == 200)
        #expect(text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(text.headers["connection"] == "close")
        #expect(text.text.contains("\nsallyport_build_info{version=\"0.1.0\"} 1\n"))
        let open = try get("-H", "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        #expect(open.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
        #expect(open.text.hasSuffix("\n# EOF\n"))
        #expect(open.text.contains("\n# TYPE sallyport_jobs_accepted counter\nsallyport_jobs_accepted_total 0\n"))
        #expect(try get("-I").status == 200)
        #expect(try get(path: "/metrics?a=b").status == 200)
        for path in ["/", "/metrics/", "/healthz", "/hooks/quick"] { #expect(try get(path: path).status == 404, "\(path)") }
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let refused = try get("-X", method)
            #expect(refused.status == 405)
            #expect(refused.headers["allow"] == "GET, HEAD")
        }
        #expect(try get("-H", "Host:").status == 400)
        #expect(exporter.isRunning, "\(exporter.text)")
    }

    @Test func `without the executor it is 503 with the reason, never numbers of before, and comes back with it`() throws {
        defer { exporter.stop(SIGKILL) }
        try start()
        let before = try get()
        #expect(before.status == 503)
        #expect(before.text.contains("is the executor running"), "\(before.text)")
        try bed.start()
        #expect(try eventually { try get().status == 200 })
        bed.executor.stop(SIGTERM, within: 20)
        let after = try get()
        #expect(after.status == 503)
        #expect(!after.text.contains("sallyport_"), "\(after.text)")
        try bed.executor.start()
        #expect(try eventually { try get().status == 200 })
    }

    @Test func `an executor that does not answer is 503 in time, for all who ask`() throws {
        defer { exporter.stop(SIGKILL) }
        try bed.start()
        try start()
        #expect(try get().status == 200)
        let proper = try #require(bed.process("run"))
        kill(proper, SIGSTOP)
        defer { kill(proper, SIGCONT) }
        let begun = Date()
        let port = port
        let askers = (0..<4).map { _ in
            Background {
                try Command.run(
                    "/usr/bin/curl", ["-s", "--max-time", "20", "-w", "%{http_code}", "http://127.0.0.1:\(port)/metrics"]
                ).output
            }
        }
        for asker in askers { #expect(try asker.value.hasSuffix("503")) }
        #expect(Date().timeIntervalSince(begun) < 12)
        kill(proper, SIGCONT)
        #expect(try eventually { try get().status == 200 })
    }

    @Test func `connections beyond the limit are closed, and those that say nothing in time`() throws {
        defer { exporter.stop(SIGKILL) }
        try start()
        let idle = try (0..<16).map { _ in try RawConnection(port: port) }
        let refused = try Command.run("/usr/bin/curl", ["-s", "--max-time", "5", "http://127.0.0.1:\(port)/metrics"])
        #expect([52, 56].contains(refused.code), "\(refused.code)")
        #expect(try eventually(within: 20) { (try? get().status) == 503 })
        for connection in idle { #expect(try connection.readToEnd().isEmpty) }
    }

    @Test func `a head that is too large is not read`() throws {
        defer { exporter.stop(SIGKILL) }
        try start()
        let large = String(repeating: "x", count: 9 * 1024)
        let answer = try Command.run(
            "/usr/bin/curl",
            ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "X: \(large)", "http://127.0.0.1:\(port)/metrics"])
        #expect(answer.output != "503" && answer.output != "200", "\(answer.output)")
        #expect(try get("-H", "X: \(large.prefix(7 * 1024))").status == 503)
    }

    /// Stands in for an executor: answers one question with a text of that many bytes.
    private func answer(_ bytes: Int, on listener: Int32) -> Background<Bool> {
        Background {
            var ready = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&ready, 1, 10_000) == 1 else { return false }
            let peer = accept(listener, nil, nil)
            defer { close(peer) }
            var left = bytes
            while left > 0 {
                let part = String(repeating: "x", count: min(left, Frames.maximumChunk))
                left -= part.utf8.count
                let frame = try Frames.encode(WireAdminResponse.with { $0.metrics.text = part })
                guard send(peer, frame, frame.count, Int32(MSG_NOSIGNAL)) == frame.count else { return false }
            }
            let end = try Frames.encode(WireAdminResponse.with { $0.end = .init() })
            return send(peer, end, end.count, Int32(MSG_NOSIGNAL)) == end.count
        }
    }

    @Test func `an answer of 8 MiB is taken, and one byte more is not`() throws {
        let path = bed.folder.appending(path: "stand-in.sock").path
        let listener = try UnixSocket.listen(path: path, mode: 0o600)
        defer { close(listener) }
        for (bytes, code) in [(8 * 1024 * 1024, Int32(0)), (8 * 1024 * 1024 + 1, 1)] {
            let standIn = answer(bytes, on: listener)
            let read = try Command.run(try TestBed.binary("sallyport"), ["metrics", "--socket", path])
            #expect(read.code == code)
            #expect(read.output.utf8.count == (code == 0 ? bytes : 0))
            #expect(code == 0 || read.errors.contains("more than 8388608 bytes"), "\(read.errors)")
            _ = try standIn.value
        }
    }

    @Test func `SIGTERM ends it, and a place that cannot be had is exit code 2`() throws {
        try start()
        let second = try Command.run(try TestBed.binary("sallyport"), ["metrics", "--listen", "127.0.0.1:\(port)"])
        #expect(second.code == 2)
        #expect(second.errors.contains("cannot listen at 127.0.0.1:\(port)"), "\(second.errors)")
        for place in ["9464", "127.0.0.1:", "127.0.0.1:70000", "::1:9464", ":9464"] {
            #expect(try Command.run(try TestBed.binary("sallyport"), ["metrics", "--listen", place]).code == 2, "\(place)")
        }
        exporter.stop(SIGTERM, within: 5)
        #expect(!exporter.isRunning)
    }

    @Test func `it is sealed: a filter on every thread, no new privileges, and no file is open`() throws {
        defer { exporter.stop(SIGKILL) }
        try start()
        let folder = "/proc/\(exporter.pid)"
        for thread in try FileManager.default.contentsOfDirectory(atPath: folder + "/task") {
            let status = try String(contentsOfFile: "\(folder)/task/\(thread)/status", encoding: .utf8)
            #expect(status.contains("Seccomp:\t2\n"), "\(thread)")
            #expect(status.contains("NoNewPrivs:\t1\n"))
        }
    }
}
