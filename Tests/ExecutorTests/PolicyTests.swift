import Authentication
import JobProtocol
import ProtocolMessages
import Testing

@testable import Executor

@Suite struct PolicyTests {
    private let policy: Policy

    init() throws {
        policy = try Samples.policy(
            """
            deploy:
              command: [/usr/local/bin/deploy, "--repository={repository}", "{sha}", "{{literal}}"]
              destinations: [web-1, web-2]
              timeout: 2m
              environment: { REF: "refs/{branch}", ACTOR: sallyport }
              parameters:
                sha: { pattern: "[0-9a-f]{40}" }
                repository: { pattern: "[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", maximum-length: 20 }
                branch: { pattern: "[a-z]*", default: main }
            restore: { command: [/bin/restore], destinations: [db-1], timeout: 1s, ingresses: [inner] }
            restart: { command: [/bin/restart], destinations: [web-1, web-2], destination: caller, timeout: 1s }
            import: { command: [/bin/import], destinations: [db-1], stdin: body, timeout: 1s }
            """)
    }

    private let sha = String(repeating: "4f", count: 20)

    private func plan(
        _ job: String = "deploy", from ingress: String = "edge", _ change: (inout WireJobRequest) -> Void = { _ in }
    ) throws -> Policy.Plan {
        let request = Samples.request {
            $0.job = job
            if job == "deploy" { $0.parameters = ["sha": sha, "repository": "acme/shop"] }
            change(&$0)
        }
        return try policy.plan(request, from: ingress, now: Samples.now / 1000)
    }

    private func refusal(
        _ job: String = "deploy", from ingress: String = "edge", _ change: (inout WireJobRequest) -> Void = { _ in }
    ) -> WireReason? {
        .ofRefusal { try plan(job, from: ingress, change) }
    }

    @Test func `a request becomes the argument vector of its job, once for each destination`() throws {
        let plan = try plan()
        #expect(plan.runs.map(\.destination) == ["web-1", "web-2"])
        for run in plan.runs {
            #expect(run.arguments == ["/usr/local/bin/deploy", "--repository=acme/shop", sha, "{literal}"])
            #expect(run.environment == ["ACTOR=sallyport", "REF=refs/main"])
        }
    }

    @Test func `a value stands in for its default`() throws {
        #expect(try plan { $0.parameters["branch"] = "next" }.runs[0].environment.last == "REF=refs/next")
        #expect(try plan { $0.parameters["branch"] = "" }.runs[0].environment.last == "REF=refs/")
    }

    @Test(arguments: ["", "Deploy", "deploy ", "DEPLOY", "deploy\0", "/bin/sh"])
    func `a job that the policy does not name is refused`(name: String) {
        #expect(refusal { $0.job = name } == .policy)
    }

    @Test func `a job is only for the ingresses it names`() {
        #expect(refusal("restore", from: "inner") == nil)
        #expect(refusal("restore", from: "edge") == .policy)
        #expect(refusal("restart", from: "edge") { $0.destination = "web-1" } == nil)
    }

    @Test func `a parameter that is missing or that the job does not have is refused`() {
        #expect(refusal { $0.parameters["sha"] = nil } == .parameter)
        #expect(refusal { $0.parameters["user"] = "root" } == .parameter)
        #expect(refusal { $0.parameters["SHA"] = sha } == .parameter)
        #expect(refusal("restore", from: "inner") { $0.parameters["x"] = "" } == .parameter)
    }

    @Test(
        arguments: [
            "", "4f2c", String(repeating: "4f", count: 20) + "\n", "\n" + String(repeating: "4f", count: 20),
            String(repeating: "4F", count: 20), String(repeating: "4f", count: 20) + "; id", "$(id)",
            String(repeating: "4f", count: 20) + "\0",
        ])
    func `a value that is not wholly of its pattern is refused`(value: String) {
        #expect(refusal { $0.parameters["sha"] = value } == .parameter)
    }

    @Test func `a value is limited in bytes, to the byte`() {
        #expect(refusal { $0.parameters["repository"] = "acme/567890123456789" + "0" } == .parameter)
        #expect(refusal { $0.parameters["repository"] = "acme/56789012345678" + "0" } == nil)
    }

    @Test func `a refusal names the parameter and not its value`() {
        let error = #expect(throws: Refusal.self) { try plan { $0.parameters["sha"] = "hunter2" } }
        #expect(error?.message == "parameter sha of job deploy does not match its pattern")
    }

    @Test func `a destination is the caller's to choose only where the job says so, and only among its own`() throws {
        #expect(refusal { $0.destination = "web-1" } == .policy)
        #expect(try plan("restart") { $0.destination = "web-2" }.runs.map(\.destination) == ["web-2"])
        for name in ["", "db-1", "web-3", "WEB-1", "web-1,web-2"] {
            #expect(refusal("restart") { $0.destination = name } == .policy, "\(name)")
        }
    }

    @Test func `an identity is never the caller's to choose`() {
        for job in ["deploy", "restart"] {
            #expect(
                refusal(job) {
                    $0.identity = "deploy"
                    if job == "restart" { $0.destination = "web-1" }
                } == .policy)
        }
    }

    @Test func `a body goes exactly to the job that takes one`() {
        #expect(refusal("import") { $0.bodyFollows = true } == nil)
        #expect(refusal("import") == .policy)
        #expect(refusal { $0.bodyFollows = true } == .policy)
    }

    @Test func `policies with other commands, patterns or destinations have other digests`() throws {
        func digest(_ settings: String) throws -> String { try Samples.policy("deploy: {\(settings)}").digest }
        let base = "command: [/bin/a, '{x}'], destinations: [web-1], timeout: 1s, parameters: {x: {pattern: a}}"
        let all = try [
            base, base.replacing("/bin/a", with: "/bin/b"), base.replacing("'{x}'", with: "'{{x}} {x}'"),
            base.replacing("web-1", with: "web-2"), base.replacing("pattern: a", with: "pattern: b"),
            base.replacing("1s", with: "2s"), base.replacing("[web-1]", with: "[web-1], destination: caller"),
            base.replacing("pattern: a", with: "pattern: a, maximum-length: 9"), base + ", stdin: body",
        ].map(digest)
        #expect(Set(all).count == all.count)
        #expect(try digest(base) == all[0])
        #expect(all[0].utf8.count == 64)
    }
}

@Suite struct PolicyChoiceTests {
    private func plan(_ job: String, _ change: (inout WireJobRequest) -> Void) throws -> Policy.Plan {
        let policy = try Samples.policy("deploy: {command: [/bin/a, '{x}'], destinations: [web], timeout: 1s, \(job)}")
        return try policy.plan(Samples.request(change), from: "edge", now: Samples.now / 1000)
    }

    @Test func `a path fills its place in its shortest form`() throws {
        let job = "parameters: {x: {type: path, root: /srv/www}}"
        let plan = try plan(job) { $0.parameters = ["x": "a//./b"] }
        #expect(plan.runs.map(\.arguments) == Array(repeating: ["/bin/a", "/srv/www/a/b"], count: 2))
        let error = #expect(throws: Refusal.self) { try self.plan(job) { $0.parameters = ["x": "../hunter2"] } }
        #expect(error?.message == "parameter x of job deploy has `..` in it")
    }

    @Test func `an identity is the caller's to choose only from the job's list`() throws {
        let job = "parameters: {x: {pattern: a, default: a}}, identity: caller, identities: [deploy]"
        #expect(try plan(job) { $0.identity = "deploy" }.runs.map(\.identity) == ["deploy", "deploy"])
        for name in ["", "root", "DEPLOY"] {
            #expect(WireReason.ofRefusal { try plan(job) { $0.identity = name } } == .policy, "\(name)")
        }
    }

    @Test func `a parameter can be the command's standard input, and needs no other place`() throws {
        let job = "parameters: {x: {pattern: a}, y: {pattern: '.*', maximum-length: 4096}}, stdin: {parameter: y}"
        let plan = try plan(job) { $0.parameters = ["x": "a", "y": "line\n'; id"] }
        #expect(plan.input == Array("line\n'; id".utf8))
        #expect(plan.runs[0].arguments == ["/bin/a", "a"])
        #expect(
            WireReason.ofRefusal {
                try self.plan(job) {
                    $0.parameters = ["x": "a", "y": ""]
                    $0.bodyFollows = true
                }
            } == .policy)
    }

    @Test func `a lane is named after what the caller sends`() throws {
        let job = "parameters: {x: {pattern: '[a-z]+'}}, lane: '{x}'"
        #expect(try plan(job) { $0.parameters = ["x": "shop"] }.lane == "shop")
        #expect(try plan("parameters: {x: {pattern: a}}") { $0.parameters = ["x": "a"] }.lane == nil)
    }
}

@Suite struct JobRatesTests {
    @Test func `a job begins as often as its rate says, and what began nothing is given back`() throws {
        let job = try Samples.job("command: [/bin/a], destinations: [web-1], timeout: 1s, rate: {jobs: 2, per: 10s}")
        let free = try Samples.job("command: [/bin/a], destinations: [web-1], timeout: 1s")
        let (rates, second) = (JobRates(), Int64(1_000_000_000))
        #expect(rates.take(job, now: second) && rates.take(job, now: second))
        #expect(!rates.take(job, now: second))
        rates.giveBack(job)
        #expect(rates.take(job, now: second))
        #expect(!rates.take(job, now: second))
        #expect(rates.take(job, now: 6 * second))
        #expect((0..<100).allSatisfy { _ in rates.take(free, now: second) })
    }
}

@Suite struct CommandSizeTests {
    /// A command of `{x}` eight times over: 8 × (4 KiB at most + 1) bytes and the program's.
    private func plan(_ length: Int) throws -> Policy.Plan {
        let places = Array(repeating: "'{x}'", count: 8).joined(separator: ", ")
        let policy = try Samples.policy(
            "deploy: {command: [/a, \(places)], destinations: [web-1], timeout: 1s, parameters: {x: {pattern: 'x*', maximum-length: 4096}}}"
        )
        let request = Samples.request {
            $0.job = "deploy"
            $0.parameters = ["x": String(repeating: "x", count: length)]
        }
        return try policy.plan(request, from: "edge", now: Samples.now / 1000)
    }

    @Test func `a command is as long as its limit allows and no longer`() throws {
        let longest = (JobLimits.commandBytes - 3) / 8 - 1
        #expect(try plan(longest).runs.count == 1)
        #expect(WireReason.ofRefusal { _ = try plan(longest + 1) } == .parameter)
    }
}
