import Foundation
import Glibc
import TestSupport
import Testing

/// What the two gates write while they work.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct LogTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let jobs = """
          word:
            command: [echo, word]
            destinations: [web-1]
            timeout: 20s

        """

    private let bed: TestBed

    init() throws { bed = try TestBed(jobs: Self.jobs, hooks: DeliveryTests.hook("word")) }

    /// Sends SIGHUP to both gates and waits until each has taken its settings.
    private func reload() throws {
        for gate in [bed.executor, bed.ingress] {
            let before = gate.text.count
            kill(gate.pid, SIGHUP)
            // At `error` nothing is written of a reload that went well.
            _ = eventually(within: 3) { gate.text.dropFirst(before).contains("settings are read again") }
            let said = gate.text.dropFirst(before)
            #expect(!said.contains("nothing is changed"), "\(said)")
        }
    }

    private func set(_ level: String, in file: String) throws {
        let url = bed.box.appending(path: file)
        var text = try String(contentsOf: url, encoding: .utf8)
        text = text.split(separator: "\n").filter { !$0.hasPrefix("log:") }.joined(separator: "\n")
        try (text + "\nlog: { level: \(level) }\n").write(to: url, atomically: true, encoding: .utf8)
    }

    /// What both have written since `before`.
    private func lines(since before: (executor: Int, ingress: Int)) -> String {
        "\(bed.executor.text.dropFirst(before.executor))\(bed.ingress.text.dropFirst(before.ingress))"
    }

    private var lengths: (executor: Int, ingress: Int) { (bed.executor.text.count, bed.ingress.text.count) }

    @Test func `a reload changes the level of both gates, and no connection is lost`() throws {
        var before = lengths
        #expect(try bed.deliver(hook: "word", event: "evt_info", signature: nil, token: nil).status == 200)
        #expect(eventually { lines(since: before).contains("job finished") })
        #expect(!lines(since: before).contains(#""log.level":"debug""#))
        for file in ["ingress.yaml", "executor.yaml"] { try set("debug", in: file) }
        try reload()
        before = lengths
        #expect(try bed.deliver(hook: "word", event: "evt_debug", signature: nil, token: nil).status == 200)
        for line in ["command begins", "command ended", "delivery answered"] {
            #expect(eventually { lines(since: before).contains(line) }, "\(line)")
        }
        for file in ["ingress.yaml", "executor.yaml"] { try set("error", in: file) }
        try reload()
        before = lengths
        #expect(try bed.deliver(hook: "word", event: "evt_error", signature: nil, token: nil).status == 200)
        #expect(lines(since: before).isEmpty)
    }

    @Test func `a level that is none is refused with its line, and the one before stays`() throws {
        try set("loud", in: "executor.yaml")
        let before = bed.executor.text.count
        kill(bed.executor.pid, SIGHUP)
        #expect(eventually { bed.executor.text.dropFirst(before).contains("nothing is changed") })
        #expect(bed.executor.text.contains("expected one of trace, debug, info, notice, warning, error, critical"))
    }

    @Test func `what is refused and what is ignored can be found by the sender's trace`() throws {
        let sender = ["-H", "traceparent: 00-\(Self.trace)-00f067aa0ba902b7-01"]
        #expect(try bed.deliver(signature: "wrong", more: sender).status == 401)
        let line = #""trace.id":"\#(Self.trace)""#
        #expect(
            eventually {
                bed.ingress.text.split(separator: "\n").contains { $0.contains("delivery refused") && $0.contains(line) }
            })
    }

    @Test func `a person at a terminal reads text, and everybody else JSON`() throws {
        bed.ingress.stop()
        let command =
            "timeout 3 '\(try TestBed.binary("sallyport-ingress"))' serve --config '\(bed.box.appending(path: "ingress.yaml").path)'"
        for (environment, isColoured) in [("TERM=xterm", true), ("TERM=xterm NO_COLOR=1", false), ("TERM=dumb", false)] {
            let text = try Command.run("/usr/bin/script", ["-qec", "env -u NO_COLOR \(environment) \(command)", "/dev/null"])
                .output
            let ready = try #require(text.split(whereSeparator: \.isNewline).first { $0.contains("ingress is ready") }, "\(text)")
            #expect(!ready.contains("{") && ready.contains("INFO"), "\(ready)")
            #expect(ready.contains("\u{1b}[2m") == isColoured, "\(ready)")
        }
        #expect(bed.ingress.text.split(separator: "\n").allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
    }
}
