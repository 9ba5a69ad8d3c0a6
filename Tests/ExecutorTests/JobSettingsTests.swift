import ProtocolMessages
import Settings
import Testing

@testable import Executor

@Suite struct JobSettingsTests {
    private func problems(_ text: String) throws -> [String] {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: text, file: "executor.yaml")
            _ = JobSettings.policy(
                file.root, hosts: (try? Samples.hosts()) ?? .init(targets: [:], unpinned: [:]), ingresses: ["edge"])
            try file.finish()
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    /// Problems of one job whose other settings are good, without file, line and path.
    private func problem(_ change: String) throws -> [String] {
        try problems("deploy: {command: [/bin/a], destinations: [web-1], timeout: 1s, \(change)}").map { text in
            text.split(separator: ": ", maxSplits: 2).last.map(String.init) ?? text
        }
    }

    @Test func `a job that says little has careful defaults`() throws {
        let job = try Samples.job("command: [/bin/a], destinations: web-1, timeout: 90s")
        #expect(job.command.map { $0.filled(with: [:]) } == ["/bin/a"])
        #expect(job.destinations == ["web-1"])
        #expect(!job.callerChooses)
        #expect(job.timeout == .seconds(90))
        #expect(job.grace == .seconds(5))
        #expect(job.concurrency == 16)
        #expect(job.successCodes == [0])
        #expect(job.standardInput == .none)
        #expect(job.retry.attempts == 1)
        #expect(job.interrupted == .unknown)
        #expect(job.token == nil)
        #expect(job.ingresses.isEmpty)
        #expect(job.stdoutLimit == 16 * 1024)
    }

    @Test func `a job that says all is read whole`() throws {
        let job = try Samples.job(
            """
            command: [/bin/a, "{x}"], destinations: [web-1, db-1], destination: caller, timeout: 2m, grace: 1s, concurrency: 1,
            success-exit-codes: [0, 24], output: {stdout: 1KiB, stderr: 256B}, stdin: body, interrupted: retry, ingresses: [edge],
            retry: {attempts: 5, backoff: 2s, max-backoff: 5m}, environment: {A: "{x}"},
            parameters: {x: {pattern: "[a-z]+", default: main, maximum-length: 8}}
            """)
        #expect(job.destinations == ["web-1", "db-1"])
        #expect(job.callerChooses)
        #expect(job.timeout == .seconds(120))
        #expect(job.grace == .seconds(1))
        #expect(job.concurrency == 1)
        #expect(job.successCodes == [0, 24])
        #expect(job.stdoutLimit == 1024)
        #expect(job.stderrLimit == 256)
        #expect(job.standardInput == .body)
        #expect(job.interrupted == .retry)
        #expect(job.ingresses == ["edge"])
        #expect(job.retry.attempts == 5)
        #expect(job.retry.backoff == .seconds(2))
        #expect(job.retry.maximumBackoff == .seconds(300))
        #expect(job.parameters["x"]?.fallback == "main")
        #expect(job.parameters["x"]?.maximumLength == 8)
        #expect(job.environment["A"]?.places == ["x"])
    }

    @Test func `all problems come at once, each with its line`() throws {
        let text = """
            deploy:
              command: ["{program}", "{sha", "{missing}"]
              destinations: [web-1, web-9, web-1]
              timeout: 2
              parameters:
                program: { pattern: "[a-z]+" }
                sha: { pattern: "[0-9a-f{40}" }
                unused: { pattern: a, default: b }
              ingresses: [nowhere]
            restart: { command: [/bin/restart], stdn: body, destinations: [], destination: anybody, timeout: 1s }
            """
        #expect(
            try problems(text) == [
                "executor.yaml:2: deploy.command: the program must not come from the caller",
                "executor.yaml:2: deploy.command.2: `{` without `}`; write `{{` for a brace",
                "executor.yaml:2: deploy.command.3: no parameter `missing` under `parameters`",
                "executor.yaml:3: deploy.destinations: no host `web-9` under `hosts`, nor a group",
                "executor.yaml:3: deploy.destinations: a destination twice",
                "executor.yaml:4: deploy.timeout: expected a time with its unit, such as 500ms, 25s, 2m, 1h or 30d",
                "executor.yaml:6: deploy.parameters: parameter `unused` fills no place of the command",
                "executor.yaml:7: deploy.parameters.sha.pattern: a `[` without its `]`; write \\[ for the character",
                "executor.yaml:8: deploy.parameters.unused.default: the default does not match its pattern",
                "executor.yaml:9: deploy.ingresses: no ingress `nowhere` under `ingresses`",
                "executor.yaml:10: restart.stdn: unknown key; did you mean `stdin`?",
                "executor.yaml:10: restart.destinations: at least one destination is needed",
                "executor.yaml:10: restart.destination: expected `caller`, or leave it out to run on all",
            ])
    }

    @Test(arguments: ["{}", "deploy: {}", "deploy: 7", "[deploy]", "\"bad name\": {}"])
    func `settings without a whole job are a problem`(text: String) throws {
        #expect(try problems(text).isEmpty == false)
    }

    @Test(arguments: [
        ("grace: 99ms", false), ("grace: 100ms", true), ("grace: 600s", true), ("grace: 601s", false), ("concurrency: 0", false),
        ("concurrency: 1024", true), ("concurrency: 1025", false), ("success-exit-codes: [255]", true),
        ("success-exit-codes: [256]", false), ("success-exit-codes: [-1]", false), ("output: {stdout: 255B}", false),
        ("output: {stdout: 256B, stderr: 24KiB}", true), ("output: {stderr: 25KiB}", false), ("retry: {attempts: 50}", true),
        ("retry: {attempts: 51}", false), ("retry: {attempts: 0}", false), ("interrupted: again", false),
        ("interrupted: fail", true), ("stdin: file", false), ("destination: any", false), ("destination: caller", true),
        ("shell: true", false), ("deadline: 1s", true), ("deadline: 999ms", false), ("deadline: 30d", true),
        ("deadline: 31d", false),
        ("concurrency: {job: 1024, destination: 8}", true), ("concurrency: {destination: 9}", false),
        ("concurrency: {destination: 0}", false), ("concurrency: {host: 1}", false),
        ("rate: {jobs: 1}", true), ("rate: {jobs: 0}", false), ("rate: {per: 1s}", false),
        ("rate: {jobs: 1, per: 1d, burst: 9}", true),
        ("lane: fixed", false), ("lane: '{x}'", false), ("stdin: {parameter: x}", false), ("stdin: body", true),
        ("retry: {attempts: 2, exit-codes: [75]}", true), ("retry: {exit-codes: [75]}", false),
        ("retry: {attempts: 2, exit-codes: [0]}", false), ("retry: {attempts: 2, exit-codes: [256]}", false),
        ("identity: caller", false), ("identities: [deploy]", false), ("identity: deploy", false),
        ("identity: caller, identities: [deploy]", true), ("identity: caller, identities: [nobody]", false),
    ])
    func `a value is within its range or refused`(setting: String, isGood: Bool) throws {
        #expect(try problem(setting).isEmpty == isGood)
    }

    @Test func `a program never comes from the caller, not even in part`() throws {
        for program in ["{x}", "/opt/{x}", "{x}/deploy"] {
            let text =
                "deploy: {command: ['\(program)'], destinations: [web-1], timeout: 1s, parameters: {x: {pattern: a}}}"
            #expect(
                try problems(text) == ["executor.yaml:1: deploy.command: the program must not come from the caller"], "\(program)"
            )
        }
    }

    @Test func `a command has a program`() throws {
        let text = "deploy: {command: [], destinations: [web-1], timeout: 1s}"
        #expect(try problems(text) == ["executor.yaml:1: deploy.command: a command has at least one argument: the program"])
    }

    @Test func `destinations are limited in number`() throws {
        let names = (1...33).map { "web-\($0)" }.joined(separator: ", ")
        let text = "deploy: {command: [/bin/a], destinations: [\(names)], timeout: 1s}"
        #expect(try problems(text).contains("executor.yaml:1: deploy.destinations: 33 elements, the limit is 32"))
    }

    @Test func `a command has a thousand arguments at most`() throws {
        func text(_ count: Int) -> String {
            "deploy: {command: [\(Array(repeating: "a", count: count).joined(separator: ", "))], destinations: [web-1], timeout: 1s}"
        }
        #expect(try problems(text(1000)) == [])
        #expect(try problems(text(1001)) == ["executor.yaml:1: deploy.command: 1001 arguments, the limit is 1000"])
    }

    @Test func `a group stands for its hosts, each once`() throws {
        #expect(
            try Samples.job("command: [/bin/a], destinations: [web, db-1], timeout: 1s").destinations == [
                "web-1", "web-2", "db-1",
            ])
        let text = "deploy: {command: [/bin/a], destinations: [web, web-1], timeout: 1s}"
        #expect(try problems(text) == ["executor.yaml:1: deploy.destinations: a destination twice"])
        let other = "deploy: {command: [/bin/a], destinations: [nobody], timeout: 1s}"
        #expect(try problems(other) == ["executor.yaml:1: deploy.destinations: no host `nobody` under `hosts`, nor a group"])
    }

    @Test(arguments: [
        ("OPTIND", "abc", false), ("IFS", "x", false), ("ENV", "x", false), ("BASH_ENV", "x", false), ("SHELLOPTS", "x", false),
        ("UID", "0", false), ("LD_PRELOAD", "/lib/a.so", true), ("LD_PRELOAD", "{x}", false), ("PATH", "/usr/bin", true),
        ("PATH", "/opt/{x}", false), ("APP", "{x}", true),
    ])
    func `a variable that the shell takes for itself, or through which a caller could load code, is refused`(
        name: String, value: String, isGood: Bool
    ) throws {
        let text = """
            deploy: {command: [/bin/a, "{x}"], destinations: [web-1], timeout: 1s, environment: {\(name): "\(value)"},
              parameters: {x: {pattern: a}}}
            """
        #expect(try problems(text).isEmpty == isGood)
    }
}
