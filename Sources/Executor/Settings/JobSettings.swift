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
        return Policy(jobs: jobs, digest: digest(jobs))
    }

    private static func job(_ name: String, _ node: SettingsNode, hosts: HostDirectory, ingresses: Set<String>) -> JobPolicy {
        let job = node.mapping(
            "command", "destinations", "destination", "parameters", "environment", "stdin", "timeout", "grace", "concurrency",
            "success-exit-codes", "output", "retry", "interrupted", "token", "ingresses")
        let parameters = parameters(job.optional("parameters"))
        // One whose rule is bad is a parameter all the same.
        let declared = Set(job.optional("parameters").entries().map(\.name))
        let commandNode = job.required("command")
        let command = commandNode.elements().compactMap { template($0, declared) }
        if command.isEmpty, commandNode.isPresent { commandNode.problem("a command has at least one argument: the program") }
        if let first = command.first, first.pieces.isEmpty { commandNode.problem("the program has no name") }
        if let first = command.first, !first.places.isEmpty { commandNode.problem("the program must not come from the caller") }
        var environment: [String: ArgumentTemplate] = [:]
        for (variable, value) in job.optional("environment").variables() { environment[variable] = template(value, declared) }
        let used = Set(command.flatMap(\.places) + environment.values.flatMap(\.places))
        for unused in parameters.keys.sorted() where !used.contains(unused) {
            job.optional("parameters").problem("parameter `\(unused)` fills no place of the command")
        }
        let output = job.optional("output").mapping("stdout", "stderr")
        let timeout = job.required("timeout").duration(in: .milliseconds(100) ... .seconds(24 * 3600))
        let (destinations, chooses) = destinations(job, hosts)
        let token = job.optional("token")
        for ingress in job.optional("ingresses").strings(maximum: 64) where !ingresses.contains(ingress) {
            job.optional("ingresses").problem("no ingress `\(ingress)` under `ingresses`")
        }
        return JobPolicy(
            name: name, command: command, destinations: destinations, callerChooses: chooses, parameters: parameters,
            environment: environment, standardInput: job.optional("stdin").choice(JobPolicy.StandardInput.self) ?? .none,
            timeout: timeout ?? .seconds(1),
            grace: job.optional("grace").duration(in: .milliseconds(100) ... .seconds(600)) ?? .seconds(5),
            concurrency: job.optional("concurrency").int(in: 1...1024) ?? 16,
            successCodes: successCodes(job.optional("success-exit-codes")),
            stdoutLimit: output.optional("stdout").byteCount(in: 256...outputLimit) ?? outputStandard,
            stderrLimit: output.optional("stderr").byteCount(in: 256...outputLimit) ?? outputStandard,
            retry: retry(job.optional("retry")),
            interrupted: job.optional("interrupted").choice(JobPolicy.InterruptedRule.self) ?? .unknown,
            token: token.isPresent ? token.tokenVerifier(token.mapping(SettingsNode.tokenKeys)) : nil,
            ingresses: Set(job.optional("ingresses").strings(maximum: 64)))
    }

    /// Bytes of one stream that a result carries: at most half of what fits into it, and when nothing is said.
    private static let outputLimit = JobLimits.resultOutput / 2
    private static let outputStandard = 16 * 1024

    private static func parameters(_ node: SettingsNode) -> [String: JobPolicy.Parameter] {
        var parameters: [String: JobPolicy.Parameter] = [:]
        for (name, value) in node.entries() {
            let rule = value.mapping("pattern", "default", "maximum-length")
            let place = rule.required("pattern")
            guard let text = place.string(maximumLength: AnchoredPattern.maximumLength) else { continue }
            do throws(PatternError) {
                let pattern = try AnchoredPattern(text)
                let fallback = rule.optional("default")
                let value = fallback.isPresent ? fallback.text() : nil
                let maximumLength = rule.optional("maximum-length").int(in: 1...JobLimits.parameterValue) ?? 256
                if let value, !pattern.matches(value) { fallback.problem("the default does not match the pattern") }
                if let value, value.utf8.count > maximumLength {
                    fallback.problem("the default has \(value.utf8.count) bytes, `maximum-length` is \(maximumLength)")
                }
                parameters[name] = JobPolicy.Parameter(pattern: pattern, fallback: value, maximumLength: maximumLength)
            } catch {
                place.problem("\(error)")
            }
        }
        return parameters
    }

    private static func template(_ node: SettingsNode, _ parameters: Set<String>) -> ArgumentTemplate? {
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
        let names = node.strings(maximum: JobLimits.destinations)
        if names.isEmpty, node.isPresent { node.problem("at least one destination is needed") }
        for name in names where hosts.targets[name] == nil { node.problem("no host `\(name)` under `hosts`") }
        if Set(names).count != names.count { node.problem("a destination twice") }
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

    private static func retry(_ node: SettingsNode) -> JobPolicy.Retry {
        let retry = node.mapping("attempts", "backoff", "max-backoff")
        return JobPolicy.Retry(
            attempts: retry.optional("attempts").int(in: 1...50) ?? JobPolicy.Retry.none.attempts,
            backoff: retry.optional("backoff").duration(in: .milliseconds(10) ... .seconds(3600)) ?? JobPolicy.Retry.none.backoff,
            maximumBackoff: retry.optional("max-backoff").duration(in: .milliseconds(10) ... .seconds(86_400))
                ?? JobPolicy.Retry.none.maximumBackoff)
    }

    /// Over what decides what may run, in a fixed order.
    private static func digest(_ jobs: [String: JobPolicy]) -> String {
        var text = ""
        for (name, job) in jobs.sorted(by: { $0.key < $1.key }) {
            text +=
                "\(name)\n\(job.command.map(\.pieces))\n\(job.destinations)\n\(job.callerChooses)\n\(job.timeout)\n\(job.standardInput)\n"
            text += "\(job.successCodes.sorted())\n\(job.ingresses.sorted())\n\(job.token?.digest ?? "no token")\n"
            for (parameter, rule) in job.parameters.sorted(by: { $0.key < $1.key }) {
                text +=
                    "\(parameter)\n\(rule.pattern.text)\n\(rule.fallback.map { "= \($0)" } ?? "required")\n\(rule.maximumLength)\n"
            }
            for (variable, value) in job.environment.sorted(by: { $0.key < $1.key }) { text += "\(variable)\n\(value.pieces)\n" }
        }
        return Hex.encode(SHA256.hash(Array(text.utf8)))
    }
}
