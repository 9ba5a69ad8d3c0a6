internal import Authentication
internal import JobProtocol
internal import Settings

/// Reads `jobs` into the policy.
enum JobSettings {
    static func policy(_ node: SettingsNode, hosts: HostDirectory, ingresses: Set<String>) -> Policy {
        var jobs: [String: JobPolicy] = [:]
        let entries = node.entries()
        if entries.isEmpty, node.isPresent { node.problem("at least one job is needed") }
        for (name, value) in entries { jobs[name] = job(name, value, hosts: hosts, ingresses: ingresses) }
        return Policy(jobs: jobs, digest: PolicyDigest.of(jobs))
    }

    private static func job(_ name: String, _ node: SettingsNode, hosts: HostDirectory, ingresses: Set<String>) -> JobPolicy {
        let job = node.mapping(
            "command", "destinations", "destination", "identities", "identity", "parameters", "environment", "stdin", "timeout",
            "grace", "deadline", "concurrency", "lane", "rate", "success-exit-codes", "output", "retry", "interrupted", "token",
            "ingresses", "order", "on-failure", "contain", "verify", "trace-context")
        let parameters = ParameterSettings.parameters(job.optional("parameters"))
        // One whose rule is bad is a parameter all the same.
        let declared = Set(job.optional("parameters").entries().map(\.name))
        let commandNode = job.required("command")
        let command = commandNode.elements().compactMap { template($0, declared) }
        if command.isEmpty, commandNode.isPresent { commandNode.problem("a command has at least one argument: the program") }
        if command.count > maximumArguments {
            commandNode.problem("\(command.count) arguments, the limit is \(maximumArguments)")
        }
        if let first = command.first, first.pieces.isEmpty { commandNode.problem("the program has no name") }
        if let first = command.first, !first.places.isEmpty { commandNode.problem("the program must not come from the caller") }
        var environment: [String: ArgumentTemplate] = [:]
        for (variable, value) in job.optional("environment").variables() {
            let template = template(value, declared)
            if let problem = EnvironmentNames.problem(variable, isFilled: template?.places.isEmpty == false) {
                value.problem(problem)
            }
            environment[variable] = template
        }
        let passesTrace = job.optional("trace-context").bool() ?? false
        if passesTrace, environment[JobPolicy.traceVariable] != nil {
            job.optional("trace-context").problem("sets \(JobPolicy.traceVariable), as `environment` does; leave one of them out")
        }
        let input = standardInput(job.optional("stdin"), declared)
        var used = Set(command.flatMap(\.places) + environment.values.flatMap(\.places))
        if case .parameter(let name) = input { used.insert(name) }
        let lane = lane(job.optional("lane"), declared)
        used.formUnion(lane?.key.places ?? [])
        for unused in parameters.keys.sorted() where !used.contains(unused) {
            job.optional("parameters").problem("parameter `\(unused)` fills no place of the command")
        }
        let output = job.optional("output").mapping("stdout", "stderr")
        let timeout = job.required("timeout").duration(in: .milliseconds(100) ... .seconds(24 * 3600))
        let (destinations, chooses) = destinations(job, hosts)
        let concurrency = concurrency(job.optional("concurrency"))
        let success = successCodes(job.optional("success-exit-codes"))
        let token = job.optional("token")
        if job.optional("ingresses").isList, job.optional("ingresses").elements().isEmpty {
            job.optional("ingresses").problem("names no ingress; leave it out to take the job from every one")
        }
        for ingress in job.optional("ingresses").strings(maximum: 64) where !ingresses.contains(ingress) {
            job.optional("ingresses").problem("no ingress `\(ingress)` under `ingresses`")
        }
        return JobPolicy(
            name: name, command: command, destinations: destinations, callerChooses: chooses,
            identities: identities(job, hosts), parameters: parameters, environment: environment, standardInput: input,
            timeout: timeout ?? .seconds(1),
            grace: job.optional("grace").duration(in: .milliseconds(100) ... .seconds(600)) ?? .seconds(5),
            deadline: deadline(job.optional("deadline"), timeout: timeout),
            concurrency: concurrency.job, destinationConcurrency: concurrency.destination, lane: lane,
            rate: rate(job.optional("rate")), successCodes: success,
            stdoutLimit: output.optional("stdout").byteCount(in: 256...outputLimit) ?? outputStandard,
            stderrLimit: output.optional("stderr").byteCount(in: 256...outputLimit) ?? outputStandard,
            retry: retry(job.optional("retry"), success: success),
            interrupted: job.optional("interrupted").choice(JobPolicy.InterruptedRule.self) ?? .unknown,
            token: token.isPresent ? token.tokenVerifier(token.mapping(SettingsNode.tokenKeys)) : nil,
            ingresses: Set(job.optional("ingresses").strings(maximum: 64)), order: order(job, callerChooses: chooses),
            verifier: VerifySettings.verifier(job, parameters: parameters),
            containment: job.optional("contain").choice(JobPolicy.Containment.self) ?? .none, passesTrace: passesTrace)
    }

    /// Arguments of a command, the program among them.
    static let maximumArguments = 1000

    /// Bytes of one stream that a result carries: at most half of what fits into it, and when nothing is said.
    private static let outputLimit = JobLimits.resultOutput / 2
    private static let outputStandard = 16 * 1024

    static func template(_ node: SettingsNode, _ parameters: Set<String>) -> ArgumentTemplate? {
        guard let text = node.text() else { return nil }
        do throws(TemplateError) {
            let template = try ArgumentTemplate(text)
            for place in template.places where !parameters.contains(place) {
                node.problem("no parameter `\(place)` under `parameters`")
            }
            return template
        } catch {
            node.problem(error.message)
            return nil
        }
    }

    private static func destinations(_ job: SettingsMapping, _ hosts: HostDirectory) -> ([String], Bool) {
        let node = job.required("destinations")
        let listed = node.strings(maximum: JobLimits.destinations)
        let names = listed.flatMap { hosts.groups[$0] ?? [$0] }
        if names.isEmpty, node.isPresent { node.problem("at least one destination is needed") }
        for name in listed where !hosts.isNamed(name) && hosts.groups[name] == nil {
            node.problem("no host `\(name)` under `hosts`" + (hosts.groups.isEmpty ? "" : ", nor a group"))
        }
        if Set(names).count != names.count { node.problem("a destination twice") }
        if listed.count <= JobLimits.destinations, names.count > JobLimits.destinations {
            node.problem("\(names.count) hosts in these groups, the limit is \(JobLimits.destinations)")
        }
        let choice = job.optional("destination").string()
        if let choice, choice != "caller" {
            job.optional("destination").problem("expected `caller`, or leave it out to run on all")
        }
        return (names, choice == "caller")
    }

    private static func successCodes(_ node: SettingsNode) -> Set<Int32> {
        guard node.isPresent else { return [0] }
        let codes = node.elements()
        if codes.isEmpty { node.problem("at least one exit code must be success") }
        return Set(codes.compactMap { $0.int(in: 0...255).map { Int32($0) } })
    }
}
