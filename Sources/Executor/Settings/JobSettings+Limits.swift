internal import JobProtocol
internal import Settings

/// How often, how many at once, how long and in which order.
extension JobSettings {
    static func retry(_ node: SettingsNode, success: Set<Int32>) -> JobPolicy.Retry {
        let none = JobPolicy.Retry.none
        let retry = node.mapping("attempts", "backoff", "max-backoff", "exit-codes")
        let list = retry.optional("exit-codes")
        let codes = Set(list.elements().compactMap { $0.int(in: 0...255).map { Int32($0) } })
        for code in codes.intersection(success).sorted() {
            list.problem("exit code \(code) is a success; it cannot ask for another attempt")
        }
        let attempts = retry.optional("attempts").int(in: 1...50)
        if !codes.isEmpty, attempts ?? 1 == 1 { list.problem("`attempts` allows no second one") }
        return JobPolicy.Retry(
            attempts: attempts ?? none.attempts,
            backoff: retry.optional("backoff").duration(in: .milliseconds(10) ... .seconds(3600)) ?? none.backoff,
            maximumBackoff: retry.optional("max-backoff").duration(in: .milliseconds(10) ... .seconds(86_400))
                ?? none.maximumBackoff, exitCodes: codes)
    }

    static func deadline(_ node: SettingsNode, timeout: Duration?) -> Duration? {
        guard node.isPresent, let deadline = node.duration(in: .milliseconds(100) ... .seconds(30 * 86_400)) else { return nil }
        if let timeout, deadline < timeout { node.problem("`deadline` is for all attempts; it is less than one's `timeout`") }
        return deadline
    }

    /// A number for the job, or `{job: 4, destination: 1}`.
    static func concurrency(_ node: SettingsNode) -> (job: Int, destination: Int?) {
        guard node.isMapping else { return (node.int(in: concurrencyRange) ?? concurrencyStandard, nil) }
        let parts = node.mapping("job", "destination")
        return (
            parts.optional("job").int(in: concurrencyRange) ?? concurrencyStandard,
            parts.optional("destination").int(in: 1...HostDirectory.commandsPerHost)
        )
    }

    private static let concurrencyRange = 1...1024
    private static let concurrencyStandard = 16

    /// A template for the lane's name, or `{key: …, queue: 100}`.
    static func lane(_ node: SettingsNode, _ parameters: Set<String>) -> JobPolicy.Lane? {
        guard node.isPresent else { return nil }
        let parts = node.isMapping ? node.mapping("key", "queue") : nil
        let place = parts?.required("key") ?? node
        let queue = parts?.optional("queue").int(in: 1...Slots.maximumWaiting) ?? 64
        guard let key = template(place, parameters) else { return nil }
        if key.places.isEmpty { place.problem("a lane is named after a parameter, as in \"{repository}\"; see `concurrency`") }
        return JobPolicy.Lane(key: key, queue: queue)
    }

    /// `{jobs: 10, per: 1m, burst: 20}`; `per` is a second and `burst` as many as `jobs` when they are left out.
    static func rate(_ node: SettingsNode) -> TokenBucket.Rate? {
        guard node.isPresent else { return nil }
        let rate = node.mapping("jobs", "per", "burst")
        let period = rate.optional("per").duration(in: .seconds(1) ... .seconds(86_400)) ?? .seconds(1)
        let burst = rate.optional("burst").int(in: 1...100_000)
        guard let count = rate.required("jobs").int(in: 1...100_000) else { return nil }
        return TokenBucket.Rate(count: count, period: period, burst: burst ?? count)
    }

    /// `order` and `on-failure`.
    static func order(_ job: SettingsMapping, callerChooses: Bool) -> JobPolicy.Order {
        enum Turns: String, CaseIterable { case parallel, sequence }
        enum Failure: String, CaseIterable { case stop, `continue` }
        let (order, failure) = (job.optional("order"), job.optional("on-failure"))
        let turns = order.choice(Turns.self) ?? .parallel
        let onFailure = failure.choice(Failure.self) ?? .stop
        if failure.isPresent, turns == .parallel {
            failure.problem("says what follows a destination that failed; all run at once without `order: sequence`")
        }
        if turns == .sequence, callerChooses {
            order.problem("with `destination: caller` there is one destination, and no order")
        }
        return turns == .parallel ? .parallel : .sequence(stops: onFailure == .stop)
    }

    /// `none`, `body` or `{parameter: name}`.
    static func standardInput(_ node: SettingsNode, _ parameters: Set<String>) -> JobPolicy.StandardInput {
        enum Word: String, CaseIterable { case none, body }
        guard node.isMapping else { return node.choice(Word.self) == .body ? .body : .none }
        let place = node.mapping("parameter").required("parameter")
        guard let name = place.name() else { return .none }
        if !parameters.contains(name) { place.problem("no parameter `\(name)` under `parameters`") }
        return .parameter(name)
    }

    /// The identities that the caller may choose from; none when it may not.
    static func identities(_ job: SettingsMapping, _ hosts: HostDirectory) -> [String] {
        let (list, choice) = (job.optional("identities"), job.optional("identity"))
        let names = list.strings(maximum: JobLimits.destinations)
        for name in names where hosts.identities[name] == nil { list.problem("no identity `\(name)` under `identities`") }
        let isChosen = choice.string() == "caller"
        if choice.isPresent, !isChosen {
            choice.problem("expected `caller`, or leave it out: each host's own identity logs in")
        } else if isChosen != !names.isEmpty {
            (isChosen ? choice : list).problem("`identity: caller` and the `identities` it may choose from go together")
        }
        return names
    }
}
