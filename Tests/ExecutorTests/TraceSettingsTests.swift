import JobProtocol
import Settings
import Testing

@testable import Executor

@Suite struct TraceSettingsTests {
    private func read(_ text: String) throws -> TraceSettings? {
        let file = try SettingsFile(text: "traces: {\(text)}", file: "/etc/sallyport/executor.yaml")
        let traces = TraceSettings(
            file.root.mapping("traces").optional("traces"), journal: "/var/lib/sallyport/journal.db",
            audit: "/var/lib/sallyport/audit")
        try file.finish()
        return traces
    }

    @Test func `the size has a default and limits`() throws {
        #expect(try read("file: t.jsonl")?.file == "/etc/sallyport/t.jsonl")
        #expect(try read("file: /t")?.maximumSize == 64 * 1024 * 1024)
        #expect(try read("file: /t, maximum-size: 1MiB")?.maximumSize == 1024 * 1024)
        for bad in ["maximum-size: 1MiB", "file: /t, maximum-size: 1023KiB", "file: /t, unknown: 1"] {
            #expect(throws: SettingsProblems.self, "\(bad)") { try read(bad) }
        }
    }

    @Test(arguments: ["/var/lib/sallyport/journal.db", "/var/lib/sallyport/audit/t"])
    func `spans do not go where the journal or the audit log are`(path: String) throws {
        #expect(throws: SettingsProblems.self) { try read("file: \(path)") }
    }

    @Test func `a job that passes the trace says so, is another policy, and sets the variable once`() throws {
        let settings = "deploy: {command: [/bin/a], destinations: [web-1], timeout: 1s"
        let plain = try Samples.policy(settings + "}")
        let passing = try Samples.policy(settings + ", trace-context: true}")
        #expect(plain.jobs["deploy"]?.passesTrace == false)
        #expect(passing.jobs["deploy"]?.passesTrace == true)
        #expect(plain.digest != passing.digest)
        #expect(passing.jobs["deploy"]?.words.contains("TRACEPARENT") == true)
        #expect(throws: SettingsProblems.self) {
            try Samples.policy(settings + ", trace-context: true, environment: {TRACEPARENT: x}}")
        }
    }

    @Test func `the variable counts towards the size of a command`() throws {
        func reason(_ length: Int, _ more: String) throws -> Bool {
            let pieces = Array(repeating: "\"{x}\"", count: 6).joined(separator: ", ")
            let policy = try Samples.policy(
                "deploy: {command: [/bin/a, \(pieces), \"\(String(repeating: "a", count: length))\"], destinations: [web-1], timeout: 1s, "
                    + "parameters: {x: {pattern: \"a*\", maximum-length: 4096}}\(more)}")
            let request = Samples.request { $0.parameters = ["x": String(repeating: "a", count: 4096)] }
            return (try? policy.plan(request, from: "edge", now: Samples.now / 1000)) != nil
        }
        let exact = JobLimits.commandBytes - 6 * 4097 - 7 - 1
        #expect(try reason(exact, ""))
        #expect(try !reason(exact + 1, ""))
        #expect(try reason(exact - 68, ", trace-context: true"))
        #expect(try !reason(exact - 67, ", trace-context: true"))
    }
}
