import Foundation
import HookdeckStandIn
import TestSupport
import Testing

/// One trace from a sender's span to the command on the host, through the real processes.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct TraceTests {
    private static let caller = (trace: "4bf92f3577b34da6a3ce929d0e0e4736", span: "00f067aa0ba902b7")
    private static let secret = "value-nobody-shall-read"

    private static let jobs = """
          told:
            command: [sh, -c, 'echo "$TRACEPARENT"; echo "$0" >/dev/null; exit 3', "{value}"]
            destinations: [web-1]
            timeout: 10s
            trace-context: true
            parameters: { value: { pattern: ".*" } }
            retry: { attempts: 2, backoff: 10ms, exit-codes: [3] }
          untold:
            command: [sh, -c, 'echo "<$TRACEPARENT>"']
            destinations: [web-1]
            timeout: 10s
          strict:
            command: [echo, "{value}"]
            destinations: [web-1]
            timeout: 10s
            parameters: { value: { pattern: "[0-9]" } }

        """

    private static func hook(_ name: String, _ more: String = "") -> String {
        """
          \(name):
            verify: { hookdeck: { secret: { file: secrets/hookdeck } } }
            job: \(name)
            respond: sync
            wait: 20s
            \(more)

        """
    }

    private static let value = "parameters: { value: { payload: /value } }"
    private static let hooks = hook("told", value) + hook("untold") + hook("strict", value)
    private static let body = #"{"value":"\#(secret)"}"#

    private func bed(_ traces: Bool = true) throws -> TestBed {
        let bed = try TestBed(jobs: Self.jobs, hooks: Self.hooks, start: false)
        if traces { try bed.append("traces: { file: traces.jsonl, maximum-size: 1MiB }\n", to: "executor.yaml") }
        try bed.start()
        return bed
    }

    private struct Span {
        let fields: [String: Any]

        subscript(name: String) -> String? { fields[name] as? String }
        var kind: Int? { fields["kind"] as? Int }
        var status: Int? { (fields["status"] as? [String: Any])?["code"] as? Int }
        var attributes: [String: String] {
            let list = fields["attributes"] as? [[String: Any]] ?? []
            return Dictionary(
                list.map { attribute in
                    let value = attribute["value"] as? [String: String] ?? [:]
                    return (attribute["key"] as? String ?? "", value["stringValue"] ?? value["intValue"] ?? "")
                }, uniquingKeysWith: { "\($0) and \($1)" })
        }
    }

    private func spans(_ bed: TestBed, atLeast count: Int) throws -> [Span] {
        var spans: [Span] = []
        _ = try eventually(within: 10) {
            let text = (try? String(contentsOf: bed.box.appending(path: "traces.jsonl"), encoding: .utf8)) ?? ""
            spans = try text.split(separator: "\n").flatMap { line in
                let document = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                let resources = document?["resourceSpans"] as? [[String: Any]] ?? []
                let scopes = resources.flatMap { $0["scopeSpans"] as? [[String: Any]] ?? [] }
                return scopes.flatMap { $0["spans"] as? [[String: Any]] ?? [] }.map(Span.init)
            }
            return spans.count >= count
        }
        return spans
    }

    private func traceparent(_ flags: String) -> [String] {
        ["-H", "traceparent: 00-\(Self.caller.trace)-\(Self.caller.span)-\(flags)"]
    }

    @Test func `a delivery's span is its sender's child, and each attempt's command is the delivery's`() throws {
        let bed = try bed()
        let answer = try bed.deliver(Self.body, hook: "told", token: nil, more: traceparent("01"))
        #expect(answer.exitCode == 3, "\(answer.text)")
        let spans = try spans(bed, atLeast: 3)
        #expect(spans.count == 3)
        #expect(spans.allSatisfy { $0["traceId"] == Self.caller.trace })
        let delivery = try #require(spans.first { $0.kind == 5 })
        #expect(delivery["parentSpanId"] == Self.caller.span)
        #expect(delivery["name"] == "job told")
        #expect(delivery.status == 2)
        #expect(delivery.attributes["sallyport.hook.name"] == "told")
        #expect(delivery.attributes["sallyport.status"] == "dead")
        #expect(delivery.attributes["sallyport.attempts"] == "2")
        #expect(delivery.attributes["error.type"] == "exit-code")
        let commands = spans.filter { $0.kind == 3 }
        #expect(commands.map { $0["parentSpanId"] } == [delivery["spanId"], delivery["spanId"]])
        #expect(commands.map { $0.attributes["sallyport.attempt"] } == ["1", "2"])
        #expect(commands.map { $0.attributes["sallyport.host.name"] } == ["web-1", "web-1"])
        #expect(commands.map { $0.attributes["process.exit.code"] } == ["3", "3"])
        #expect(commands.allSatisfy { $0.attributes["server.address"] == "127.0.0.1" })
        #expect(Set(spans.map { $0["spanId"] }).count == 3)
        // The command knows which of them it is.
        let last = try #require(commands.last?["spanId"])
        #expect(answer["stdout"] == "00-\(Self.caller.trace)-\(last)-01\n")
        for span in spans {
            let start = try #require(span["startTimeUnixNano"].flatMap { Int($0) })
            let end = try #require(span["endTimeUnixNano"].flatMap { Int($0) })
            #expect(start <= end && end / 1_000_000_000 - Int(Date().timeIntervalSince1970) < 2)
        }
        let text = try String(contentsOf: bed.box.appending(path: "traces.jsonl"), encoding: .utf8)
        #expect(!text.contains(Self.secret))
        // Both halves' lines of the job say which trace it was.
        for log in [bed.ingress.text, bed.executor.text] {
            let lines = log.split(separator: "\n").filter { $0.contains(#""trace.id":"\#(Self.caller.trace)""#) }
            #expect(lines.contains { $0.contains(#""span.id":"\#(delivery["spanId"] ?? "")""#) }, "\(log)")
        }
    }

    @Test func `what the caller does not sample is not recorded, and goes on to the command as it came`() throws {
        let bed = try bed()
        let unsampled = try bed.deliver(Self.body, hook: "told", token: nil, more: traceparent("00"))
        #expect(unsampled["stdout"] == "00-\(Self.caller.trace)-\(Self.caller.span)-00\n")
        #expect(try bed.deliver(hook: "untold", token: nil)["stdout"] == "<>\n")
        let spans = try spans(bed, atLeast: 2)
        #expect(spans.count == 2)
        let delivery = try #require(spans.first { $0.kind == 5 })
        #expect(delivery["parentSpanId"] == nil)
        #expect(delivery["traceId"] != Self.caller.trace)
        #expect(delivery.status == nil)
        #expect(delivery.attributes["error.type"] == nil)
    }

    @Test func `a refused request has a span, which does not say what was wrong with whose value`() throws {
        let bed = try bed()
        #expect(try bed.deliver(Self.body, hook: "strict", token: nil, more: traceparent("01")).status == 422)
        let spans = try spans(bed, atLeast: 1)
        #expect(spans.map { $0.attributes["sallyport.status"] } == ["refused"])
        #expect(spans.first?.attributes["error.type"] == "parameter")
        let text = try String(contentsOf: bed.box.appending(path: "traces.jsonl"), encoding: .utf8)
        #expect(!text.contains(Self.secret))
    }

    @Test func `without a file the command belongs to its caller's span, through Hookdeck too`() throws {
        let bed = try bed(false)
        let hookdeck = try bed.hookdeck("told")
        let header = (name: "traceparent", value: "00-\(Self.caller.trace)-\(Self.caller.span)-01")
        let id = try #require(
            try hookdeck.receive(Array(Self.body.utf8), headers: [("Content-Type", "application/json"), header]))
        var shown = ""
        #expect(
            try eventually {
                shown = try bed.command(["jobs", "show", id]).output
                return shown.contains("00-\(Self.caller.trace)-\(Self.caller.span)-01")
            }, "\(shown)")
    }

    @Test func `spans are in the file when the executor has stopped, and a restart goes on behind them`() throws {
        let bed = try bed()
        #expect(try bed.deliver(#"{"n":1}"#, hook: "untold", token: nil).status == 200)
        bed.executor.stop()
        #expect(try spans(bed, atLeast: 2).count == 2)
        try bed.executor.start()
        try bed.waitUntilReady()
        #expect(try bed.deliver(#"{"n":2}"#, hook: "untold", token: nil).status == 200)
        #expect(try spans(bed, atLeast: 4).count == 4)
        let metrics = try bed.command(["metrics"]).output
        #expect(metrics.contains(#"sallyport_trace_spans_total{outcome="written"} 2"#), "\(metrics)")
    }
}
