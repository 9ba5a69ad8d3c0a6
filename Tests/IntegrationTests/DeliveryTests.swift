import Foundation
import TestSupport
import Testing

/// A sender's view: what each request is answered, and what ran because of it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct DeliveryTests {
    static let bed = Result { try TestBed(jobs: jobs, hooks: hooks) }
    var bed: TestBed { get throws { try Self.bed.get() } }

    static let counter = "/tmp/sallyport-count-\(UUID().uuidString)"

    static let jobs = """
          count:
            command: [sh, -c, "echo x >> \(counter); echo counted"]
            destinations: [web-1]
            timeout: 10s
          fail:
            command: [sh, -c, "echo out; echo err >&2; exit 3"]
            destinations: [web-1]
            timeout: 10s
          echo:
            command: [printf, "%s|", "--", "{value}"]
            destinations: [web-1]
            parameters: { value: { pattern: ".*", maximum-length: 4096 } }
            timeout: 10s
          strict:
            command: [printf, "%s|", "{value}"]
            destinations: [web-1]
            parameters: { value: { pattern: "[a-z0-9][a-z0-9-]*" } }
            timeout: 10s
          slow:
            command: [sh, -c, "trap '' TERM; sleep 4321 & sleep 4321"]
            destinations: [web-1]
            timeout: 1s
            grace: 500ms
          flood:
            command: [sh, -c, "head -c 10000000 /dev/zero | tr '\\\\0' a; echo end"]
            destinations: [web-1]
            timeout: 20s
            output: { stdout: 4KiB }
          digest:
            command: [sha256sum]
            destinations: [web-1]
            stdin: body
            timeout: 10s
          pause:
            command: [sleep, "2"]
            destinations: [web-1]
            timeout: 10s
          background:
            command: [sh, -c, "sleep 30 & echo done"]
            destinations: [web-1]
            timeout: 20s
          missing:
            command: [/no/such/program]
            destinations: [web-1]
            timeout: 10s

        """

    static let hooks =
        ["count", "fail", "slow", "flood", "pause", "background", "missing"].map { hook($0) }.joined()
        + hook("echo", "parameters: { value: { payload: /value } }")
        + hook("strict", "parameters: { value: { payload: /value } }")
        + hook("digest", "body: true") + hook("later", "respond: async", job: "pause")
        + hook("short", "wait: 500ms", job: "pause")
        + hook("small", "maximum-body: 1KiB", job: "count") + hook("query", "parameters: { value: { query: v } }", job: "strict")
        + hook("unpoliced", job: "no-such-job")

    static func hook(_ name: String, _ more: String = "", job: String? = nil) -> String {
        """
          \(name):
            verify: none
            job: \(job ?? name)
            \(more.isEmpty ? "respond: sync" : more)

        """
    }

    var runs: Int { (try? String(contentsOfFile: Self.counter, encoding: .utf8))?.count(where: { $0 == "\n" }) ?? 0 }

    @Test func `a signed delivery with a valid token runs the command and brings its output back`() throws {
        let answer = try bed.deliver()
        #expect(answer.status == 200)
        #expect(answer["status"] == "succeeded")
        #expect(answer.exitCode == 0)
        #expect(answer["stdout"] == "deploying octo-org/octo-repo at 6113728f27ae82c7b1a177c8d03f9e96e0adf246\n")
        #expect(answer["job"]?.count == 36)
    }

    @Test func `every changed part of a delivery is refused before anything runs`() throws {
        let signature = try Signature.hookdeck(Data(TestBed.push.utf8), secret: bed.hookdeckSecret)
        let before = try bed.jobs(["--limit", "1000"]).count
        #expect(try bed.deliver(TestBed.push + " ", signature: signature).status == 401)
        #expect(try bed.deliver(TestBed.push.replacingOccurrences(of: "main", with: "mainx"), signature: signature).status == 401)
        let other = signature.hasPrefix("A") ? "B" : "A"
        #expect(try bed.deliver(signature: other + signature.dropFirst()).status == 401)
        #expect(try bed.deliver(signature: "short").status == 401)
        let missing = try bed.deliver(signature: nil)
        #expect(missing.status == 401)
        #expect(missing.headers["www-authenticate"] != nil)
        #expect(missing.headers["content-type"] == "application/problem+json")
        #expect(try bed.deliver(token: nil).status == 401)
        let token = try bed.token
        let parts = token.split(separator: ".").map(String.init)
        #expect(try bed.deliver(token: parts[0] + "." + parts[1] + "." + String(parts[2].reversed())).status == 401)
        let none = Data(#"{"alg":"none"}"#.utf8).base64EncodedString().replacingOccurrences(of: "=", with: "")
        #expect(try bed.deliver(token: "\(none).\(parts[1]).").status == 401)
        #expect(try bed.deliver(token: bed.mint(["--lifetime=-120"])).status == 401)
        #expect(try bed.jobs(["--limit", "1000"]).count == before)
    }

    @Test func `the executor refuses a token that the ingress would have let through`() throws {
        // The ingress asks for issuer and audience; only the executor's policy asks for this subject.
        let token = try Command.run(
            try TestBed.binary("sallyport"),
            [
                "token", "issue", "--key", try bed.box.appending(path: "secrets/token.key").path, "--issuer", "sallyport-init",
                "--audience",
                "sallyport", "--subject", "somebody-else", "--key-id", "init",
            ])
        let answer = try bed.deliver(token: token.output.trimmingCharacters(in: .newlines))
        #expect(answer.status == 401)
        #expect(answer["reason"] == "token")
    }

    @Test func `an event runs once however often it is delivered, and a forged attempt changes nothing`() throws {
        let before = runs
        let first = try bed.deliver(hook: "count", event: "evt_once", signature: nil, token: nil)
        #expect(first.status == 200)
        for attempt in [1, 1, 2, 3] {
            let again = try bed.deliver(hook: "count", event: "evt_once", attempt: attempt, signature: nil, token: nil)
            #expect(again.status == 200)
            #expect(again.isDuplicate)
            #expect(again["job"] == first["job"])
            #expect(again.headers["idempotency-replayed"] == "true")
        }
        #expect(runs == before + 1)
    }

    @Test func `a failed event runs again for a higher attempt only`() throws {
        let first = try bed.deliver(hook: "fail", event: "evt_fails", signature: nil, token: nil)
        #expect(first.status == 500)
        #expect(first["status"] == "failed")
        #expect(first.exitCode == 3)
        #expect(first["stdout"] == "out\n")
        #expect(first["stderr"] == "err\n")
        let same = try bed.deliver(hook: "fail", event: "evt_fails", signature: nil, token: nil)
        #expect(same.isDuplicate)
        #expect(same["job"] == first["job"])
        let higher = try bed.deliver(hook: "fail", event: "evt_fails", attempt: 2, signature: nil, token: nil)
        #expect(!higher.isDuplicate)
        #expect(higher["job"] != first["job"])
    }

    @Test(arguments: [
        "$(touch /tmp/pwned)", "`id`", "a'b", "a\"b", "a\\nb", "; id", "--flag", "-rf", "a b", "*", "~root", "é✓", "!!",
        "a'\\\\''b",
        "$IFS", "&& id", "\\\\",
    ])
    func `a parameter is one argument, byte for byte, whatever stands in it`(_ raw: String) throws {
        let answer = try bed.deliver(
            "{\"value\":\"\(raw.replacingOccurrences(of: "\"", with: "\\\""))\"}", hook: "echo", signature: nil, token: nil)
        #expect(answer.status == 200, "\(answer.text)")
        let value =
            try JSONSerialization.jsonObject(with: Data("[\"\(raw.replacingOccurrences(of: "\"", with: "\\\""))\"]".utf8))
            as? [String]
        #expect(answer["stdout"] == "--|\(value?[0] ?? "")|")
        #expect(!FileManager.default.fileExists(atPath: "/tmp/pwned"))
    }

    @Test(arguments: ["$(id)", "-rf", "a b", "a\\nb", "a'", "A", "", "a;b"])
    func `a value that does not match its pattern is refused by name`(_ raw: String) throws {
        let answer = try bed.deliver("{\"value\":\"\(raw)\"}", hook: "strict", signature: nil, token: nil)
        #expect(answer.status == 422)
        #expect(answer["error"]?.contains("value") == true)
        #expect(answer["reason"] == "parameter")
    }

    @Test func `wrong requests get the answers of the table`() throws {
        #expect(try bed.deliver(hook: "nowhere").status == 404)
        let get = try bed.deliver(method: "GET")
        #expect(get.status == 405)
        #expect(get.headers["allow"] == "POST, OPTIONS")
        #expect(try bed.deliver("{", hook: "echo", signature: nil, token: nil).status == 400)
        #expect(
            try bed.deliver("a=b", hook: "echo", signature: nil, token: nil, contentType: "application/x-www-form-urlencoded")
                .status == 415)
        let missing = try bed.deliver("{}", hook: "echo", signature: nil, token: nil)
        #expect(missing.status == 422)
        #expect(missing["detail"]?.contains("parameter value") == true)
        #expect(try bed.deliver(hook: "unpoliced", signature: nil, token: nil).status == 422)
        #expect(try bed.deliver(hook: "query", signature: nil, token: nil).status == 422)
        #expect(
            try bed.deliver(#"{"value":"# + String(repeating: "[", count: 100), hook: "echo", signature: nil, token: nil).status
                == 400)
    }

    @Test func `a body over the limit is refused whether it is announced or not, and one at the limit is not`() throws {
        let atLimit = String(repeating: "x", count: 1024)
        #expect(try bed.deliver(atLimit, hook: "small", signature: nil, token: nil).status == 200)
        #expect(try bed.deliver(atLimit + "x", hook: "small", signature: nil, token: nil).status == 413)
        #expect(
            try bed.deliver(atLimit + "x", hook: "small", signature: nil, token: nil, more: ["-H", "Transfer-Encoding: chunked"])
                .status == 413)
        #expect(
            try bed.deliver(String(repeating: "x", count: 5_000_000), hook: "small", signature: nil, token: nil).status == 413)
    }

    @Test func `a command past its timeout ends on the host with its children, and the answer says so`() throws {
        let answer = try bed.deliver(hook: "slow", signature: nil, token: nil)
        #expect(answer.status == 504)
        #expect(answer["status"] == "timed-out")
        let destination = (answer.json["destinations"] as? [[String: Any]])?.first
        #expect(destination?["processGone"] as? Bool == true)
        let left = try Command.run("/usr/bin/pgrep", ["-f", "^sleep 4321"])
        #expect(left.output.isEmpty, "\(left.output)")
    }

    @Test func `output is bounded, head and tail are kept, and the whole is counted`() throws {
        let answer = try bed.deliver(hook: "flood", signature: nil, token: nil)
        #expect(answer.status == 200)
        let out = answer["stdout"] ?? ""
        #expect(out.utf8.count <= 4096)
        #expect(out.hasPrefix("aaaa"))
        #expect(out.hasSuffix("aend\n"))
        #expect(out.contains("bytes cut"))
        let destination = (answer.json["destinations"] as? [[String: Any]])?.first
        #expect(destination?["stdoutBytes"] as? Int == 10_000_004)
    }

    @Test(arguments: [0, 1, 31_999, 65_536, 1_048_576])
    func `a body reaches the command's standard input whole`(_ size: Int) throws {
        let body = String((0..<size).map { _ in Character(UnicodeScalar(UInt8.random(in: 0x20...0x7e))) })
        let answer = try bed.deliver(body, hook: "digest", signature: nil, token: nil)
        #expect(answer.status == 200, "\(answer.text)")
        let expected = try Command.run("/usr/bin/sha256sum", [], input: Data(body.utf8))
        #expect(answer["stdout"] == expected.output)
    }

    @Test func `an asynchronous hook is answered when the job is durable, and a wait that ends leaves the job running`() throws {
        let later = try bed.deliver(hook: "later", signature: nil, token: nil)
        #expect(later.status == 202)
        #expect(later.headers["location"] == "/jobs/\(later["job"] ?? "")")
        let short = try bed.deliver(hook: "short", event: "evt_short", signature: nil, token: nil)
        #expect(short.status == 202)
        let joined = try bed.deliver(hook: "pause", event: "evt_other", signature: nil, token: nil)
        #expect(joined.status == 200)
        #expect(
            try eventually { try bed.jobs().first { $0["job"] as? String == short["job"] }?["status"] as? String == "succeeded" })
    }

    @Test func `a background child that keeps the output open does not delay the answer`() throws {
        let start = Date()
        let answer = try bed.deliver(hook: "background", signature: nil, token: nil)
        #expect(answer.status == 200)
        #expect(answer["stdout"] == "done\n")
        #expect(Date().timeIntervalSince(start) < 5)
        try Command.run("/usr/bin/pkill", ["-f", "^sleep 30$"])
    }

    @Test func `a program that is not there is a failed command with code 127`() throws {
        let answer = try bed.deliver(hook: "missing", signature: nil, token: nil)
        #expect(answer.status == 500)
        #expect(answer.exitCode == 127)
    }

    @Test func `twenty deliveries at once all run, over one connection of eight channels`() throws {
        let bed = try bed
        let deliveries = (0..<20).map { _ in
            Background { try bed.deliver(hook: "count", signature: nil, token: nil).status }
        }
        let statuses = try deliveries.map { try $0.value }
        #expect(statuses.allSatisfy { $0 == 200 }, "\(statuses)")
    }

    @Test func `jobs show tells what happened to an event`() throws {
        _ = try bed.deliver(hook: "count", event: "evt_told", signature: nil, token: nil)
        let shown = try Command.run(
            try TestBed.binary("sallyport"),
            ["jobs", "show", "evt_told", "--socket", try bed.box.appending(path: "run/admin.sock").path])
        #expect(shown.code == 0)
        #expect(shown.output.contains("status       succeeded"))
        #expect(shown.output.contains("counted"))
        let unknown = try Command.run(
            try TestBed.binary("sallyport"),
            ["jobs", "show", "evt_nobody", "--socket", try bed.box.appending(path: "run/admin.sock").path])
        #expect(unknown.code == 1)
    }

    @Test func `no secret and no token stands in a log, in the metrics or in a process list`() throws {
        _ = try bed.deliver()
        let token = try bed.token
        _ = try bed.deliver(token: token + "x")
        let metrics = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/metrics"]).output
        #expect(metrics.contains("sallyport_deliveries_total{hook=\"github\",outcome=\"succeeded\"}"))
        let processes = try Command.run("/usr/bin/ps", ["axeww"]).output
        for text in [try bed.executor.text, try bed.ingress.text, metrics, processes] {
            #expect(!text.contains(try bed.hookdeckSecret))
            #expect(!text.contains(token.split(separator: ".")[2]))
            #expect(!text.contains("PRIVATE KEY"))
        }
    }
}
