import Foundation
import Glibc
import TestSupport
import Testing

/// What becomes of a job, asked for over HTTP and followed while it runs.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct JobRoutesTests {
    static let bed = Result { try TestBed(jobs: jobs, hooks: hooks) }
    var bed: TestBed { get throws { try Self.bed.get() } }

    /// Jobs that go on when this file is there.
    private static let gate = "/tmp/sallyport-jobs-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          steps:
            command: [sh, -c, "echo one; while ! test -e \(gate); do sleep 0.02; done; echo two >&2; printf '\\\\377\\\\376'"]
            destinations: [web-1]
            timeout: 30s
          quick:
            command: [sh, -c, "echo quick; exit 3"]
            destinations: [web-1]
            timeout: 10s
          flood:
            command: [sh, -c, "head -c 60000000 /dev/zero | tr '\\\\0' a; echo end"]
            destinations: [web-1]
            timeout: 60s
          again:
            command: [sh, -c, "echo begun; while ! test -e \(gate); do sleep 0.02; done; echo over"]
            destinations: [web-1]
            timeout: 30s
            interrupted: retry

        """

    private static let hooks =
        ["steps", "quick", "flood", "again"].map { DeliveryTests.hook($0, "respond: async") }.joined()
        + DeliveryTests.hook("patient", "wait: 30s", job: "steps") + DeliveryTests.hook("short", "wait: 500ms", job: "steps")
        + DeliveryTests.hook("single", "concurrency: 1", job: "steps")
        + DeliveryTests.hook("unpoliced", job: "no-such-job") + """
            jobs:
              token:
                issuer: sallyport-init
                audience: sallyport
                keys: { file: token-keys.json }
                hooks: [steps, quick, flood, again, patient]

            """

    init() { Self.shutGate() }

    private static func shutGate() { try? FileManager.default.removeItem(atPath: gate) }
    private static func openGate() { _ = FileManager.default.createFile(atPath: gate, contents: Data()) }

    @Test func `a job that was answered 202 can be asked after until it has succeeded`() throws {
        let job = try bed.begin("steps")
        let running = try bed.get("/jobs/\(job)")
        #expect(running.status == 200)
        #expect(running["status"] == "running")
        #expect(running["job"] == job)
        #expect(running.headers["retry-after"] == "1")
        #expect(running.headers["cache-control"] == "no-store")
        Self.openGate()
        #expect(try eventually { try bed.get("/jobs/\(job)")["status"] == "succeeded" })
        let over = try bed.get("/jobs/\(job)")
        #expect(over.status == 200)
        #expect(over["stdout"]?.hasPrefix("one\n") == true)
        #expect(over.exitCode == 0)
        #expect(over.headers["retry-after"] == nil)
    }

    @Test func `output is told before the command ends, to two readers, and to one that comes late`() throws {
        let job = try bed.begin("steps")
        let readers = [try bed.follow(job), try bed.follow(job)]
        for reader in readers { #expect(eventually { reader.output == "one\n" }, "\(reader.text)") }
        #expect(try bed.get("/jobs/\(job)")["status"] == "running")
        let late = try bed.follow(job)
        #expect(eventually { late.output == "one\n" })
        Self.openGate()
        for reader in readers + [late] {
            #expect(eventually { reader.isOver })
            #expect(reader.status == 200)
            #expect(reader.text.lowercased().contains("content-type: text/event-stream"))
            #expect(reader.states.last == "running")
            #expect(reader.events.last?.name == "result")
            #expect(reader.result?["status"] == "succeeded")
            #expect(reader.result?.statusCode == 200)
            let outputs = reader.events.filter { $0.name == "output" }
            let stdout = outputs.filter { $0["stream"] == "stdout" }.reduce(Data()) { $0 + $1.data }
            #expect(stdout == Data("one\n".utf8) + [0xff, 0xfe])
            #expect(outputs.contains { $0["stream"] == "stderr" && $0["text"] == "two\n" })
            #expect(outputs.contains { $0["base64"] == "//4=" })
        }
    }

    @Test func `a reader that comes back goes on where it was, and one that had the result is not asked to come again`() throws {
        let job = try bed.begin("steps")
        let first = try bed.follow(job)
        #expect(eventually { first.output == "one\n" })
        let id = try #require(first.events.last?.id)
        first.stop()
        Self.openGate()
        let second = try bed.follow(job, ["-H", "Last-Event-ID: \(id)"])
        #expect(eventually { second.isOver })
        #expect(!second.output.contains("one"))
        let last = try #require(second.result?.id)
        #expect(try bed.get("/jobs/\(job)/events", more: ["-H", "Last-Event-ID: \(last)"]).status == 204)
    }

    @Test func `a job that is over is told in one piece, with the status its sender was told`() throws {
        let job = try bed.begin("quick")
        #expect(try eventually { try bed.get("/jobs/\(job)")["status"] == "failed" })
        let reader = try bed.follow(job)
        #expect(eventually { reader.isOver })
        #expect(reader.states == ["failed"])
        #expect(reader.result?.statusCode == 500)
        #expect(reader.result?.json["exitCode"] as? Int == 3)
        #expect(reader.result?["stdout"] == "quick\n")
    }

    @Test func `a reader that does not read holds nothing up, and is told what it misses and the result`() throws {
        let job = try bed.begin("flood")
        let slow = try RawConnection(port: bed.httpPort)
        try slow.send(
            "GET /jobs/\(job)/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(bed.token)\r\nConnection: close\r\n\r\n")
        #expect(try eventually(within: 50) { try bed.get("/jobs/\(job)")["status"] == "succeeded" })
        // Other deliveries go on meanwhile.
        #expect(try bed.begin("quick").isEmpty == false)
        let text = try slow.readToEnd()
        #expect(text.contains("\"dropped\":"))
        #expect(text.contains("event: result\n"))
        #expect(text.contains("\"stdoutBytes\":60000004"))
        #expect(text.utf8.count < 60_000_000)
        let metrics = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/metrics"]).output
        let dropped = metrics.split(separator: "\n").first { $0.hasPrefix("sallyport_stream_dropped_bytes_total ") }
        #expect(dropped.flatMap { Int($0.split(separator: " ")[1]) } ?? 0 > 0)
        #expect(metrics.contains("sallyport_job_requests_total{outcome=\"found\"}"))
        #expect(
            eventually {
                (try? Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/metrics"]).output.contains(
                    "sallyport_streams_open 0\n")) == true
            })
    }

    @Test func `a stream outlives its executor, and tells the end that the next one brings`() throws {
        let job = try bed.begin("again")
        let reader = try bed.follow(job)
        #expect(eventually { reader.output == "begun\n" })
        kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
        #expect(eventually { reader.output == "begun\nbegun\n" }, "\(reader.text)")
        Self.openGate()
        #expect(eventually { reader.isOver })
        #expect(reader.result?["status"] == "succeeded")
        #expect(reader.result?.json["attempts"] as? Int == 2)
    }

    @Test func `the answer to a delivery can be its events, with the result's status in the last`() throws {
        let reader = try bed.stream("patient")
        #expect(eventually { reader.output == "one\n" }, "\(reader.text)")
        #expect(reader.status == 200)
        Self.openGate()
        #expect(eventually { reader.isOver })
        #expect(reader.result?.statusCode == 200)
        #expect(reader.result?["stdout"]?.hasPrefix("one\n") == true)
        let failing = try bed.stream("quick")
        #expect(eventually { failing.isOver })
        #expect(failing.status == 200)
        #expect(failing.result?.statusCode == 500)
    }

    @Test func `a stream has its hook's place until it ends`() throws {
        let reader = try bed.stream("single")
        #expect(eventually { reader.output == "one\n" }, "\(reader.text)")
        for more in [[], ["-H", "Accept: text/event-stream"]] {
            #expect(try bed.deliver(hook: "single", signature: nil, token: nil, more: more).status == 429)
        }
        Self.openGate()
        #expect(eventually { reader.isOver })
        #expect(try eventually { try bed.deliver(hook: "single", signature: nil, token: nil).status == 200 })
    }

    @Test func `an ingress that stops ends its readers' streams at once, and the next one takes them up`() throws {
        let bed = try bed
        let job = try bed.begin("steps")
        let reader = try bed.follow(job)
        #expect(eventually { reader.output == "one\n" })
        #expect(bed.ingress.stop(SIGTERM, within: 5) == 0)
        #expect(eventually { reader.isOver })
        #expect(reader.result == nil)
        #expect(reader.text.contains(": the ingress is stopping"))
        try bed.ingress.start()
        try bed.waitUntilReady()
        Self.openGate()
        let next = try bed.follow(job)
        #expect(eventually { next.isOver })
        #expect(next.result?["status"] == "succeeded")
    }

    @Test func `what comes before a job is an ordinary answer, though events were asked for`() throws {
        let refused = try bed.deliver(hook: "unpoliced", signature: nil, token: nil, more: ["-H", "Accept: text/event-stream"])
        #expect(refused.status == 422)
        #expect(refused.headers["content-type"] == "application/json")
        let unsigned = try bed.deliver(signature: nil, more: ["-H", "Accept: text/event-stream"])
        #expect(unsigned.status == 401)
        #expect(unsigned.headers["content-type"] == "application/problem+json")
    }

    @Test func `a stream ends with its wait, and the job goes on; so it does when the sender leaves`() throws {
        let short = try bed.stream("short")
        #expect(eventually { short.isOver })
        let last = try #require(short.events.last)
        #expect(last.name == "state")
        #expect(last.statusCode == 202)
        let left = try bed.stream("patient")
        #expect(eventually { left.output == "one\n" })
        let job = try #require(left.events.first?["job"])
        #expect(last["location"] == "/jobs/\(last["job"] ?? "")")
        left.stop()
        Self.openGate()
        #expect(try eventually { try bed.get("/jobs/\(job)")["status"] == "succeeded" })
    }

    @Test func `an event in flight is followed by its second delivery too, and a finished one is told again`() throws {
        let first = try bed.stream("patient", event: "evt_stream")
        #expect(eventually { first.output == "one\n" })
        let second = try bed.stream("patient", event: "evt_stream")
        #expect(eventually { second.output == "one\n" })
        Self.openGate()
        #expect(eventually { first.isOver && second.isOver })
        #expect(first.result?["job"] == second.result?["job"])
        #expect(second.result?.json["duplicate"] as? Bool == true)
        let third = try bed.stream("patient", event: "evt_stream")
        #expect(eventually { third.isOver })
        #expect(third.result?.json["duplicate"] as? Bool == true)
    }

    @Test func `who has no token for a job's hook does not learn that there is such a job`() throws {
        let job = try bed.begin("steps")
        Self.openGate()
        #expect(try bed.get("/jobs/\(job)").status == 200)
        let none = try bed.get("/jobs/\(job)", token: nil)
        #expect(none.status == 401)
        #expect(none.headers["www-authenticate"] != nil)
        #expect(none["detail"]?.contains("Authorization") == true)
        #expect(try bed.get("/jobs/\(job)/events", token: bed.token + "x").status == 401)
        // `short` is not among the hooks of the settings.
        let short = try bed.deliver(hook: "short", signature: nil, token: nil)
        let hidden = try bed.get("/jobs/\(short["job"] ?? "")")
        #expect(hidden.status == 404)
        let unknown = try bed.get("/jobs/0199a1b2-0000-7000-8000-000000000000")
        #expect(unknown.status == 404)
        #expect(unknown.text == hidden.text)
        #expect(try bed.get("/jobs/\(short["job"] ?? "")/events").status == 404)
        for path in ["/jobs/", "/jobs/x", "/jobs/\(job)/other", "/jobs/\(job)/events/", "/jobs/\(job.uppercased())"] {
            #expect(try bed.get(path).status == 404, "\(path)")
        }
    }

    @Test func `HEAD has the head of GET, and other methods are named`() throws {
        let job = try bed.begin("quick")
        #expect(try eventually { try bed.get("/jobs/\(job)")["status"] == "failed" })
        let body = try bed.get("/jobs/\(job)")
        let head = try bed.get("/jobs/\(job)", more: ["-I"])
        #expect(head.status == 200)
        #expect(head.headers["content-length"] == "\(body.text.utf8.count)")
        #expect(head.text.isEmpty)
        let events = try bed.get("/jobs/\(job)/events", more: ["-I"])
        #expect(events.status == 200)
        #expect(events.headers["content-type"] == "text/event-stream")
        #expect(events.text.isEmpty)
        let large = try bed.folder.appending(path: "large")
        try Data(count: 70_000).write(to: large)
        #expect(try bed.get("/jobs/\(job)", more: ["-X", "GET", "-d", "ignored"]).text == body.text)
        #expect(
            try bed.get("/jobs/\(job)", more: ["-X", "GET", "-H", "Expect:", "--data-binary", "@\(large.path)"]).status == 413)
        let post = try bed.get("/jobs/\(job)", more: ["-X", "POST"])
        #expect(post.status == 405)
        #expect(post.headers["allow"] == "GET, HEAD, OPTIONS")
        #expect(try bed.get("/jobs/0199a1b2-0000-7000-8000-000000000000/events", more: ["-I"]).status == 404)
    }

    @Test func `a connection goes on after a stream, and one of HTTP 1.0 has its stream without chunks`() throws {
        let job = try bed.begin("quick")
        #expect(try eventually { try bed.get("/jobs/\(job)")["status"] == "failed" })
        let head = "Host: x\r\nAuthorization: Bearer \(try bed.token)\r\n"
        let connection = try RawConnection(port: bed.httpPort)
        for _ in 0..<2 {
            try connection.send("GET /jobs/\(job)/events HTTP/1.1\r\n\(head)\r\n")
            #expect(try connection.read(until: "\r\n0\r\n\r\n"))
        }
        let old = try RawConnection(port: bed.httpPort)
        try old.send("GET /jobs/\(job)/events HTTP/1.0\r\n\(head)\r\n")
        let text = try old.readToEnd()
        #expect(!text.lowercased().contains("transfer-encoding"))
        #expect(text.contains("\r\n\r\nretry: 2000\n\nevent: state\n"))
        #expect(text.hasSuffix("\n\n"))
    }

    @Test func `send prints the stream, and ends as the job did`() throws {
        Self.openGate()
        let url = "http://127.0.0.1:\(try bed.httpPort)/hooks/"
        let good = try Command.run(
            try TestBed.binary("sallyport"), ["send", "--follow", url + "patient", "-"], input: Data("{}".utf8))
        #expect(good.code == 0, "\(good.errors)")
        #expect(good.output.hasPrefix("one\n"))
        #expect(good.errors.contains("two\n"))
        #expect(good.errors.contains("sallyport: succeeded"))
        let bad = try Command.run(
            try TestBed.binary("sallyport"), ["send", "--follow", url + "quick", "-"], input: Data("{}".utf8))
        #expect(bad.code == 1)
        #expect(bad.output == "quick\n")
        let refused = try Command.run(
            try TestBed.binary("sallyport"), ["send", "--follow", url + "unpoliced", "-"], input: Data("{}".utf8))
        #expect(refused.code == 1)
        #expect(refused.output.contains("422"))
    }

    @Test func `jobs tail prints what a job writes until it ends`() throws {
        let job = try bed.begin("steps")
        let tail = Daemon(
            try TestBed.binary("sallyport"),
            ["jobs", "tail", job, "--socket", try bed.box.appending(path: "run/admin.sock").path],
            log: try bed.folder.appending(path: "tail.log"))
        try tail.start()
        #expect(eventually { tail.text.contains("one\n") })
        Self.openGate()
        #expect(eventually { !tail.isRunning })
        #expect(tail.stop() == 0)
        #expect(tail.text.contains("two\n"))
        #expect(tail.text.contains("sallyport: succeeded"))
        let unknown = try Command.run(
            try TestBed.binary("sallyport"),
            ["jobs", "tail", "nobody", "--socket", try bed.box.appending(path: "run/admin.sock").path])
        #expect(unknown.code == 1)
        #expect(unknown.errors.contains("no job"))
    }

    @Test func `while the executor is away nobody is told that a job is not there`() throws {
        let job = try bed.begin("quick")
        try bed.executor.stop()
        #expect(try eventually { try bed.get("/jobs/\(job)").status == 503 })
        #expect(try bed.get("/jobs/\(job)").headers["retry-after"] == "5")
        #expect(try bed.get("/jobs/\(job)/events").status == 503)
        try bed.executor.start()
        try bed.waitUntilReady()
        #expect(try bed.get("/jobs/\(job)").status == 200)
    }
}
