import Foundation
import Glibc
import TestSupport
import Testing

/// Attempts after the first, and what a job that asks for its turn gets.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RetryTests {
    private static let folder = "/tmp/sallyport-retry-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          busy:
            command: [sh, -c, "echo x >> \(folder); test $(wc -l < \(folder)) -ge 3 || exit 75; cat"]
            destinations: [web-1]
            stdin: body
            timeout: 20s
            retry: { attempts: 5, backoff: 300ms, max-backoff: 300ms, exit-codes: [75] }
          slow:
            command: [sh, -c, "echo x >> \(folder); test $(wc -l < \(folder)) -ge 2 || exit 75"]
            destinations: [web-1]
            timeout: 20s
            retry: { attempts: 3, backoff: 8s, exit-codes: [75] }
          dead:
            command: [sh, -c, "echo x >> \(folder); exit 75"]
            destinations: [web-1]
            timeout: 20s
            retry: { attempts: 2, backoff: 10ms, exit-codes: [75] }
          late:
            command: [sleep, "1.5"]
            destinations: [web-1]
            timeout: 2s
            deadline: 2s
            grace: 100ms
            concurrency: 1
          typed:
            command: [printf, "%s|", "{path}", "{count}", "--flag={flag}", "{url}"]
            destinations: [web-1]
            timeout: 20s
            stdin: { parameter: path }
            parameters:
              path: { type: path, root: /srv/www }
              count: { type: integer, minimum: 1, maximum: 9 }
              flag: { type: boolean, default: "false" }
              url: { type: url, hosts: [example.com] }
          lane:
            command: [sh, -c, 'echo "$1" >> \(folder); sleep 0.3', lane, "{key}{number}"]
            destinations: [web-1]
            timeout: 20s
            lane: { key: "{key}", queue: 3 }
            parameters:
              key: { pattern: "[ab]" }
              number: { type: integer, minimum: 0, maximum: 99 }
          again:
            command: [sh, -c, 'echo "$1" >> \(folder); test "$(grep -c "$1" \(folder))" -ge 2 || exit 75', again, "{key}{number}"]
            destinations: [web-1]
            timeout: 20s
            retry: { attempts: 3, backoff: 2s, exit-codes: [75] }
            lane: { key: "{key}" }
            parameters:
              key: { pattern: "[ab]" }
              number: { type: integer, minimum: 0, maximum: 99 }
          rated:
            command: ["true"]
            destinations: [web-1]
            timeout: 20s
            rate: { jobs: 2, per: 1h }

        """

    private static func hook(_ name: String, _ parameters: String...) -> String {
        DeliveryTests.hook(name, "parameters: {\(parameters.map { "\($0): {payload: /\($0)}" }.joined(separator: ", "))}")
    }

    private static let hooks =
        DeliveryTests.hook("busy", "body: true") + DeliveryTests.hook("slow", "wait: 1s") + DeliveryTests.hook("dead")
        + DeliveryTests.hook("late") + DeliveryTests.hook("rated") + hook("typed", "path", "count", "url")
        + hook("lane", "key", "number") + hook("again", "key", "number")

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: Self.hooks)
        try? FileManager.default.removeItem(atPath: Self.folder)
    }

    private var lines: [String] {
        (try? String(contentsOfFile: Self.folder, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    }

    private func deliver(_ hook: String, _ body: String = "{}", event: String? = nil) throws -> HookAnswer {
        try bed.deliver(body, hook: hook, event: event, signature: nil, token: nil)
    }

    @Test func `an exit code that asks for it is tried again, with the body, until it succeeds`() throws {
        let answer = try deliver("busy", #"{"body":"kept"}"#)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer["stdout"] == #"{"body":"kept"}"#)
        #expect(answer.json["attempts"] as? Int == 3)
        #expect(lines.count == 3)
    }

    @Test func `a job whose attempts are used up is a dead letter, and answers as its last attempt did`() throws {
        let answer = try deliver("dead", event: "evt_dead")
        #expect(answer.status == 500)
        #expect(answer["status"] == "dead")
        #expect(answer.exitCode == 75)
        #expect(answer.json["attempts"] as? Int == 2)
        #expect(lines.count == 2)
    }

    @Test func `who waits less long than the next attempt takes is told so, and the job goes on after kill -9 of the executor`()
        throws
    {
        // Full jitter: the wait may be short by chance, so it is tried until it is not.
        var answer: HookAnswer
        repeat {
            try? FileManager.default.removeItem(atPath: Self.folder)
            answer = try deliver("slow")
        } while answer.status == 200
        #expect(answer.status == 202, "\(answer.text)")
        #expect(answer["status"] == "accepted")
        let id = try #require(answer["job"])
        #expect(lines.count == 1)
        kill(try #require(bed.process("sallyport-executor run")), SIGKILL)
        #expect(
            try eventually(within: 30) {
                try bed.jobs().first { $0["job"] as? String == id }?["status"] as? String == "succeeded"
            })
        #expect(lines.count == 2)
        let record = try #require(try bed.jobs().first { $0["job"] as? String == id })
        #expect(record["attempts"] as? Int == 2)
    }

    @Test func `an executor that is told to stop does not wait for a job's next attempt`() throws {
        var answer: HookAnswer
        repeat {
            try? FileManager.default.removeItem(atPath: Self.folder)
            answer = try deliver("slow")
        } while answer.status == 200
        let begun = Date()
        #expect(bed.executor.stop(SIGTERM, within: 20) == 0)
        #expect(Date().timeIntervalSince(begun) < 5)
    }

    @Test func `values of every type reach the command as the policy says`() throws {
        let answer = try deliver("typed", #"{"path":"a//b","count":3,"url":"https://example.com/x?y=z"}"#)
        #expect(answer["stdout"] == "/srv/www/a/b|3|--flag=false|https://example.com/x?y=z|", "\(answer.text)")
        for body in [
            #"{"path":"../etc","count":3,"url":"https://example.com/"}"#, #"{"path":"a","count":0,"url":"https://example.com/"}"#,
            #"{"path":"a","count":3,"url":"https://example.com.evil/"}"#, #"{"path":"a","count":3,"url":"--help"}"#,
        ] { #expect(try deliver("typed", body).status == 422, "\(body)") }
    }

    @Test func `jobs of one lane run in their order, one at a time, and others beside them`() throws {
        let bed = bed
        var deliveries: [Background<HookAnswer>] = []
        for number in 0..<4 {
            for key in ["a", "b"] {
                deliveries.append(
                    Background {
                        try bed.deliver(
                            #"{"key":"\#(key)","number":\#(number)}"#, hook: "lane", event: nil, signature: nil, token: nil)
                    })
            }
            usleep(60_000)
        }
        #expect(try deliveries.allSatisfy { try $0.value.status == 200 })
        for key in ["a", "b"] { #expect(lines.filter { $0.hasPrefix(key) } == (0..<4).map { "\(key)\($0)" }) }
    }

    @Test func `a lane is kept between two attempts, and those who wait for it hold up neither that job nor any other`() throws {
        let bed = bed
        let deliveries = (0..<3).map { number in
            defer { usleep(200_000) }
            return Background {
                try bed.deliver(
                    #"{"key":"a","number":\#(number)}"#, hook: "again", event: nil, signature: nil, token: nil)
            }
        }
        #expect(try deliver("lane", #"{"key":"b","number":1}"#).status == 200)
        for delivery in deliveries {
            let answer = try delivery.value
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["attempts"] as? Int == 2)
        }
        #expect(lines.filter { $0.hasPrefix("a") } == ["a0", "a0", "a1", "a1", "a2", "a2"])
    }

    @Test func `a deadline ends what runs then, and what has not begun by then never does`() throws {
        let bed = bed
        // So many that on a busy machine, too, where they come one after the other, one waits for its turn until its time is over.
        let deliveries = (0..<8).map { _ in
            Background { try bed.deliver("{}", hook: "late", event: nil, signature: nil, token: nil) }
        }
        let answers = try deliveries.map { try $0.value }
        let statuses = answers.map { $0["status"] ?? "" }
        #expect(statuses.contains("dead"))
        #expect(Set(statuses).isSubset(of: ["succeeded", "timed-out", "dead"]), "\(statuses)")
        #expect(answers.allSatisfy { $0.status == ($0["status"] == "succeeded" ? 200 : 504) })
    }

    @Test func `a job that is asked for more often than its rate allows is 429`() throws {
        #expect(try (0..<3).map { _ in try deliver("rated").status } == [200, 200, 429])
    }
}
