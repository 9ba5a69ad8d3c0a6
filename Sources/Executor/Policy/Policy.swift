internal import Authentication
internal import JobProtocol
internal import ProtocolMessages
internal import Settings

/// The executor's word on what may run: turns an intent into argument vectors, or says why not.
///
/// Nothing of a request but its job name, its parameters and, where allowed, one destination has any influence.
struct Policy: Sendable {
    let jobs: [String: JobPolicy]
    /// SHA-256 over the settings that make the policy, hexadecimal: lets an ingress see that two executors agree.
    let digest: String
    /// Callers' tokens whose signature was verified here.
    let verifiedTokens = VerifiedTokens { _ in }

    /// One command for one host, ready to be leased.
    struct Run: Sendable {
        let destination: String
        let arguments: [String]
        let environment: [String]
        /// Nil for the host's own.
        let identity: String?
    }

    /// What a request comes to.
    struct Plan: Sendable {
        let job: JobPolicy
        let runs: [Run]
        /// The value that jobs which must not overtake one another share.
        let lane: String?
        /// For the command's standard input, where that is not the request's body.
        let input: [UInt8]?
        /// Of the caller's token, where it was verified here.
        var token: TokenClaims?
    }

    /// - Throws: ``Refusal`` naming the job, parameter or token that is at fault; never a value of a token.
    ///
    /// - Parameter tokenIsVerified: the request was accepted before; its token is not there any more to be verified again.
    func plan(
        _ request: WireJobRequest, from ingress: String, now: Int64, tokenIsVerified: Bool = false
    ) throws(Refusal) -> Plan {
        guard let job = jobs[request.job], job.ingresses.isEmpty || job.ingresses.contains(ingress) else {
            throw Refusal(
                .policy, "no job \(request.job.prefix(JobLimits.name).debugDescription) in the policy for ingress \(ingress)")
        }
        let token = tokenIsVerified ? nil : try checkToken(request, job: job, now: now)
        let values = try values(for: job, from: request)
        let destinations = try destinations(for: job, request)
        let identity = try identity(for: job, request)
        guard job.standardInput == .body || job.verifier != nil || !request.bodyFollows else {
            throw Refusal(.policy, "job \(job.name) takes no body on standard input")
        }
        guard job.standardInput != .body || request.bodyFollows else {
            throw Refusal(.policy, "job \(job.name) needs the body on standard input; set `body: true` in the hook")
        }
        let arguments = job.command.map { $0.filled(with: values) }
        let environment = job.environment.map { name, template in "\(name)=\(template.filled(with: values))" }.sorted()
        let trace = job.passesTrace ? JobPolicy.traceVariableSize + 1 : 0
        let size = (arguments + environment).reduce(trace) { $0 + $1.utf8.count + 1 }
        guard size <= JobLimits.commandBytes else {
            throw Refusal(.parameter, "the command of job \(job.name) has \(size) bytes, the limit is \(JobLimits.commandBytes)")
        }
        return Plan(
            job: job,
            runs: destinations.map {
                Run(destination: $0, arguments: arguments, environment: environment, identity: identity)
            },
            lane: job.lane?.key.filled(with: values), input: Self.input(for: job, values), token: token)
    }

    private static func input(for job: JobPolicy, _ values: [String: String]) -> [UInt8]? {
        guard case .parameter(let name) = job.standardInput else { return nil }
        return Array((values[name] ?? "").utf8)
    }

    private func values(for job: JobPolicy, from request: WireJobRequest) throws(Refusal) -> [String: String] {
        for name in request.parameters.keys where job.parameters[name] == nil {
            throw Refusal(.parameter, "job \(job.name) has no parameter \(name.prefix(JobLimits.name).debugDescription)")
        }
        var values: [String: String] = [:]
        for (name, rule) in job.parameters {
            guard let value = request.parameters[name] ?? rule.fallback else {
                throw Refusal(.parameter, "parameter \(name) of job \(job.name) is missing")
            }
            guard value.utf8.count <= rule.maximumLength else {
                throw Refusal(
                    .parameter,
                    "parameter \(name) of job \(job.name) has \(value.utf8.count) bytes, the limit is \(rule.maximumLength)")
            }
            do throws(ParameterError) {
                values[name] = try rule.type.accepted(value)
            } catch {
                throw Refusal(.parameter, "parameter \(name) of job \(job.name) \(error.message)")
            }
        }
        return values
    }

    private func destinations(for job: JobPolicy, _ request: WireJobRequest) throws(Refusal) -> [String] {
        guard job.callerChooses else {
            guard request.destination.isEmpty else {
                throw Refusal(.policy, "job \(job.name) does not let the caller choose a destination")
            }
            return job.destinations
        }
        guard job.destinations.contains(request.destination) else {
            throw Refusal(
                .policy,
                "job \(job.name) does not run on \(request.destination.prefix(JobLimits.name).debugDescription); it may on "
                    + job.destinations.joined(separator: ", "))
        }
        return [request.destination]
    }

    private func identity(for job: JobPolicy, _ request: WireJobRequest) throws(Refusal) -> String? {
        guard !job.identities.isEmpty else {
            guard request.identity.isEmpty else {
                throw Refusal(.policy, "job \(job.name) does not let the caller choose an identity")
            }
            return nil
        }
        guard job.identities.contains(request.identity) else {
            throw Refusal(
                .policy,
                "job \(job.name) does not log in as \(request.identity.prefix(JobLimits.name).debugDescription); it may as "
                    + job.identities.joined(separator: ", "))
        }
        return request.identity
    }

    private func checkToken(_ request: WireJobRequest, job: JobPolicy, now: Int64) throws(Refusal) -> TokenClaims? {
        guard let verifier = job.token else { return nil }
        guard !request.token.isEmpty else {
            throw Refusal(.token, "job \(job.name) demands the caller's token; set `forward: true` under `token` in the hook")
        }
        do {
            return try verifier.verify(request.token, now: now, bodyDigest: [UInt8](request.bodyDigest), cache: verifiedTokens)
        } catch {
            throw Refusal(.token, "the caller's token for job \(job.name) was refused: \(error)")
        }
    }
}

/// Why a request becomes no job.
struct Refusal: Error, Sendable {
    let reason: WireReason
    let message: String

    init(_ reason: WireReason, _ message: String) {
        self.reason = reason
        self.message = message
    }
}
