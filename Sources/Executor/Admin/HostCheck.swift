internal import Audit
internal import Authentication
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf

/// Looks whether hosts can be used: logs in as a job would and runs `true`, which nobody can make anything else of.
///
/// Each host's check is a job of its own, in the name of the operator: claimed, recorded, in line for a place on its host like every other,
/// and ended like one when somebody cancels it or the executor stops. No settings can name a job like that, so none can be replayed.
struct HostCheck: Sendable {
    /// As the journal calls the job; not a name that the settings take.
    static let name = "(hosts check)"
    /// Hosts that are looked at at once.
    static let parallel = 16
    /// How long a check may wait for one of its host's places, and last.
    static let deadline = Duration.seconds(60)
    /// How long `true` may take.
    static let timeout = Duration.seconds(10)

    let jobs: JobService

    /// The hosts that are meant, each once: by their names, the names of their groups, or all.
    ///
    /// - Throws: ``Refusal`` naming what is neither.
    func hosts(_ check: WireCheckHosts) throws(Refusal) -> [String] {
        let directory = jobs.rules.now.hosts
        if check.all { return directory.targets.keys.sorted() }
        var hosts: [String] = []
        for name in check.hosts {
            guard let members = directory.groups[name] ?? (directory.targets[name].map { _ in [name] }) else {
                throw Refusal(.policy, "no host or group \(name.prefix(JobLimits.name).debugDescription) in the settings")
            }
            hosts += members.filter { !hosts.contains($0) }
        }
        guard !hosts.isEmpty else { throw Refusal(.policy, "name hosts or groups, or ask for all") }
        return hosts
    }

    /// Checks them, a bounded number at once; tells of each as it ends.
    func run(_ hosts: [String], by operatorName: String, _ tell: @escaping @Sendable (WireHostCheck) -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for (index, host) in hosts.enumerated() {
                if index >= Self.parallel { await group.next() }
                group.addTask { tell(await check(host, by: operatorName)) }
            }
        }
    }

    private func check(_ host: String, by operatorName: String) async -> WireHostCheck {
        let begun = ContinuousClock.now
        let now = WallClock.now()
        let request = WireJobRequest.with {
            $0.jobID = Random.uuidV7(milliseconds: now)
            $0.job = Self.name
            $0.issuedAtMs = now
            $0.expiresAtMs = now + 60_000
            $0.waitUntilMs = now + Self.deadline.milliseconds
        }
        var check: WireHostCheck
        do throws(Refusal) {
            // The text of a host without a pinned key says what to do.
            let target = try jobs.rules.now.hosts.target(host)
            let result = try await result(of: request, on: host, by: operatorName)
            check = Self.verdict(result, target)
            check.jobID = request.jobID
        } catch {
            check = .with {
                $0.failed = error.reason == .hostKey ? .hostKey : .reach
                $0.error = error.message
            }
        }
        check.host = host
        check.durationMs = UInt64(max(0, (ContinuousClock.now - begun).milliseconds))
        return check
    }

    private func result(
        of request: WireJobRequest, on host: String, by operatorName: String
    ) async throws(Refusal) -> WireJobResult {
        let payload: [UInt8]
        do {
            payload = try request.serializedBytes()
        } catch {
            throw Refusal(.journal, "the request cannot be written: \(error)")
        }
        var envelope = WireSignedEnvelope()
        envelope.keyID = JobService.operatorKey
        let submission = Submission(
            envelope: envelope, payload: payload, request: request, digest: SHA256.hash(payload), ingress: "", body: nil,
            replay: Replay(origin: "", operatorName: operatorName))
        guard !jobs.isDraining else { throw Refusal(.busy, "the executor is stopping") }
        let (results, sink) = AsyncStream.makeStream(of: WireJobResult.self)
        let subscriber = Subscriber(request: request, digest: submission.digest, sink: CheckSink(results: sink))
        guard case .claimed = try await jobs.begin(Self.plan(host), submission, subscriber, now: WallClock.now()) else {
            throw Refusal(.journal, "the journal does not take it")
        }
        for await result in results { return result }
        throw Refusal(.outcomeUnknown, "the check was left")
    }

    /// `true` on that host, as the host's own identity.
    static func plan(_ host: String) -> Policy.Plan {
        let job = JobPolicy(
            name: name, command: [], destinations: [host], callerChooses: false, identities: [], parameters: [:],
            environment: [:],
            standardInput: .none, timeout: timeout, grace: .seconds(1), deadline: deadline, concurrency: parallel,
            destinationConcurrency: 1, lane: nil, rate: nil, successCodes: [0], stdoutLimit: 1024, stderrLimit: 1024,
            retry: .none,
            interrupted: .unknown, token: nil, ingresses: [])
        let run = Policy.Run(destination: host, arguments: ["true"], environment: [], identity: nil)
        return Policy.Plan(job: job, runs: [run], lane: nil, input: nil)
    }

    /// Which step a result failed at, and what to do about it.
    static func verdict(_ result: WireJobResult, _ target: HostDirectory.Target) -> WireHostCheck {
        guard result.status != .succeeded else { return .init() }
        let place = "\(target.address) port \(target.port)"
        let (step, next): (WireHostStep, String) =
            switch result.reason {
            case .unreachable:
                (.reach, "is sshd listening at \(place), and does every firewall on the way let this machine through?")
            case .hostKey:
                (
                    .hostKey,
                    "compare with the host's console, then pin it: sallyport hosts scan \(target.address) --port \(target.port)"
                )
            // The host was not asked: what an agent or a certificate lacks says itself what to do.
            case .authentication where saysWhatToDo(result.error, target.identity): (.authentication, "")
            case .authentication:
                (
                    .authentication,
                    "is the key \(target.identity.fingerprint) of identity \(target.identityName) in the authorized_keys of \(target.user), and does sshd's log say more?"
                )
            case .busy: (.reach, "its places are taken by jobs, or no SSH worker is there: sallyport status tells which")
            default:
                (
                    .prelude,
                    "log in as \(target.user) and run: sh -c true; a forced command or a login shell that is no POSIX shell is in the way"
                )
            }
        return .with {
            $0.failed = step
            $0.error = result.error.isEmpty ? JobNames.name(result.status) : result.error
            $0.next = next
        }
    }

    private static func saysWhatToDo(_ error: String, _ identity: IdentityKey) -> Bool {
        identity.agent.map { error.contains($0.socket) } == true || identity.certificate != nil && error.contains("ssh-keygen -s")
    }

    /// Hands the result to the one who asked.
    private struct CheckSink: ResultSink {
        let results: AsyncStream<WireJobResult>.Continuation

        func accepted(_ acceptance: WireJobAcceptance) {}
        func finished(_ result: WireJobResult) { results.yield(result) }
    }
}
