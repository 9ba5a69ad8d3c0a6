import Foundation
import TestSupport
import Testing

/// Where the ingress listens.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct PlaceTests {
    @Test func `it listens at a Unix socket with its mode, replaces a stale one, and can be probed there`() throws {
        let bed = try ListeningBed.make(start: false) { bed in
            try bed.change(bed.listenLine, to: "listen: { unix: run/http.sock, mode: \"0600\" }")
            try bed.change(
                "operations: { address: 127.0.0.1, port: \(bed.operationsPort) }", to: "operations: { unix: run/operations.sock }"
            )
        }
        let socket = bed.box.appending(path: "run/http.sock").path
        let operations = bed.box.appending(path: "run/operations.sock").path
        try bed.executor.start()
        for _ in 0..<2 {
            try bed.ingress.start()
            #expect(try eventually { try probe(bed).code == 0 })
            #expect(try bed.post("http://x/hooks/quick", "--unix-socket", socket).output == "1.1 200")
            #expect(try bed.post("http://x/metrics", "--unix-socket", operations, "-G").output == "1.1 200")
            var status = stat()
            #expect(stat(socket, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            // The node is left behind.
            bed.ingress.stop(SIGKILL)
        }
        try FileManager.default.removeItem(atPath: socket)
        try Data("mine".utf8).write(to: URL(filePath: socket))
        try bed.ingress.start()
        #expect(eventually { !bed.ingress.isRunning })
        #expect(bed.ingress.text.contains("something that is no socket is at the path"))
        #expect(try String(contentsOfFile: socket, encoding: .utf8) == "mine")
    }

    private func probe(_ bed: TestBed) throws -> Command {
        try Command.run(try TestBed.binary("sallyport-ingress"), ["probe", "--config", bed.ingressSettings.path])
    }

    @Test func `it takes over a socket that the service manager made, by its name`() throws {
        let bed = try ListeningBed.make(start: false) { try $0.change($0.listenLine, to: "listen: { systemd: hooks }") }
        func activated(_ name: String) throws -> Daemon {
            Daemon(
                "/usr/bin/systemd-socket-activate",
                [
                    "-l", "127.0.0.1:\(bed.httpPort)", "--fdname=\(name)", try TestBed.binary("sallyport-ingress"), "serve",
                    "--config",
                    bed.ingressSettings.path,
                ], log: bed.folder.appending(path: "\(name).log"))
        }
        try bed.executor.start()
        let ingress = try activated("hooks")
        try ingress.start()
        // The first connection starts it.
        #expect(eventually { FreePort.answers(bed.httpPort) })
        try bed.waitUntilReady()
        #expect(try bed.post("http://127.0.0.1:\(bed.httpPort)/hooks/quick").output == "1.1 200")
        #expect(ingress.stop(SIGTERM) == 0, "\(ingress.text)")
        let other = try activated("other")
        try other.start()
        #expect(eventually { FreePort.answers(bed.httpPort) })
        #expect(eventually { !other.isRunning })
        #expect(other.text.contains("0 inherited sockets have that name, one is needed (there are other)"), "\(other.text)")
    }

    @Test func `the probe says whether an executor is connected, and whether anybody listens`() throws {
        let bed = try ListeningBed.make()
        #expect(try probe(bed).code == 0)
        bed.executor.stop(SIGTERM)
        #expect(try eventually { try probe(bed).code == 1 })
        #expect(try probe(bed).errors.contains("not ready: 127.0.0.1:\(bed.operationsPort) answers 503"))
        bed.ingress.stop(SIGTERM)
        #expect(try probe(bed).code == 1)
        #expect(try probe(bed).errors.contains("nobody listens"))
    }
}
