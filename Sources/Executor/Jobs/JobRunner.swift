internal import Audit
internal import Authentication
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Telemetry

/// Runs a job's commands on its destinations, once, and sums up.
final class JobRunner: Sendable {
    private let rules: Rules
    private let workers: WorkerPool
    let tracer: Tracer
    private let metrics: ExecutorMetrics
    private let logger: Logger

    init(rules: Rules, workers: WorkerPool, tracer: Tracer, metrics: ExecutorMetrics, logger: Logger) {
        self.metrics = metrics
        self.rules = rules
        self.workers = workers
        self.tracer = tracer
        self.logger = logger
    }

    /// What a plan holds from its first attempt to its last.
    func laneNeeds(_ plan: Policy.Plan) -> [Slots.Need] {
        guard let lane = plan.job.lane, let value = plan.lane else { return [] }
        return [.init(key: "lane/\(plan.job.name)/\(value)", limit: 1, queue: lane.queue, comesFirst: true)]
    }

    /// What a plan holds while it runs: one slot of its job, one on each of its hosts.
    func runNeeds(_ plan: Policy.Plan) -> [Slots.Need] {
        var needs = [Slots.Need(key: "job/\(plan.job.name)", limit: plan.job.concurrency)]
        let hosts = rules.now.hosts
        for run in plan.runs {
            let limit = hosts.targets[run.destination]?.concurrency ?? HostDirectory.commandsPerHost
            needs.append(.init(key: "host/\(run.destination)", limit: limit))
            if let own = plan.job.destinationConcurrency {
                needs.append(.init(key: "job/\(plan.job.name)@\(run.destination)", limit: own))
            }
        }
        return needs
    }

    /// The same, of those that all executors have together.
    func places(_ plan: Policy.Plan) -> [SharedPlace] { runNeeds(plan).map { SharedPlace(key: $0.key, limit: $0.limit) } }

    /// Ends what runs of a job; its results say so.
    func cancel(_ jobID: String) { workers.cancel(job: jobID) }

    /// Runs what is open, once each. Never throws: whatever happens is a result.
    ///
    /// - Parameter turns: for a sequence.
    /// - Returns: true when the rest of a sequence is left to the next executor.
    func attempt(
        _ job: inout RunningJob, journal: any Journal, turns: Turns,
        onOutput: @escaping @Sendable (_ destination: String, WireStream, [UInt8]) -> Void
    ) async -> Bool {
        let open = job.attempts.open(job.plan)
        if case .sequence(let stops) = job.plan.job.order {
            return await inTurn(open, &job, stops: stops, turns, journal: journal, onOutput: onOutput)
        } else {
            job.take(await once(open, job, journal: journal, onOutput: onOutput))
            return false
        }
    }

    private func once(
        _ runs: [Policy.Run], _ job: RunningJob, journal: any Journal,
        onOutput: @escaping @Sendable (String, WireStream, [UInt8]) -> Void
    ) async -> [WireDestinationResult] {
        if runs.count == 1, let run = runs.first {
            return [await command(run, job, share: job.plan.runs.count, journal: journal, onOutput: onOutput)]
        }
        return await withTaskGroup(of: WireDestinationResult.self) { group in
            for run in runs {
                group.addTask { await self.command(run, job, share: job.plan.runs.count, journal: journal, onOutput: onOutput) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    func command(
        _ run: Policy.Run, _ job: RunningJob, share: Int, journal: any Journal,
        onOutput: @escaping @Sendable (String, WireStream, [UInt8]) -> Void
    ) async -> WireDestinationResult {
        let began = WallClock.now()
        let trace = tracer.command(of: job.request)
        logger.debug("command begins", metadata: ["job": "\(job.id)", "destination": "\(run.destination)"].traced(trace))
        let result = await result(of: run, job, trace, share: share, journal: journal, onOutput: onOutput)
        tracer.ended(trace, job, result, on: rules.now.hosts.targets[run.destination], from: began)
        logger.debug(
            "command ended",
            metadata: [
                "job": "\(job.id)", "destination": "\(run.destination)", "status": "\(JobNames.name(result.status))",
                "exit_code": "\(result.exitCode)", "milliseconds": "\(WallClock.now() - began)",
            ].traced(trace))
        return result
    }

    private func result(
        of run: Policy.Run, _ job: RunningJob, _ trace: TraceContext?, share: Int, journal: any Journal,
        onOutput: @escaping @Sendable (String, WireStream, [UInt8]) -> Void
    ) async -> WireDestinationResult {
        let host: HostDirectory.Target
        do throws(Refusal) {
            host = try rules.now.hosts.target(run.destination, as: run.identity)
            let now = WallClock.now() / 1000
            if let problem = host.identity.certificate?.problem(of: host.identityName, now: now) {
                throw Refusal(.authentication, problem)
            }
        } catch {
            let result = WireDestinationResult.with {
                $0.destination = run.destination
                $0.status = .failed
                $0.reason = error.reason
                $0.error = error.message
            }
            metrics.ended(result, ran: false)
            return result
        }
        let lease = lease(run, job, trace, host: host, share: share)
        let destination = run.destination
        let id = job.id
        let finished = await workers.run(
            lease, job: id, identity: host.identity, hops: host.jumps.map(\.target.identity), body: Self.input(of: job),
            onOutput: { onOutput(destination, $0, $1) },
            onStage: { stage, group in
                guard stage == .started else { return }
                journal.noteLater(id, "started as process group \(group)", destination: destination)
            })
        let result = JobOutcome.destination(lease, finished, job: job.plan.job, share: share)
        metrics.ended(result, ran: finished.outcome != .notStarted)
        return result
    }

    /// What goes to the command; a body may be here for its signature alone.
    private static func input(of job: RunningJob) -> [UInt8]? {
        switch job.plan.job.standardInput {
        case .none: nil
        case .body: job.body
        case .parameter: job.plan.input
        }
    }

    private func lease(
        _ run: Policy.Run, _ job: RunningJob, _ trace: TraceContext?, host: HostDirectory.Target, share: Int
    ) -> WireLease {
        let policy = job.plan.job
        // All destinations' output together must fit into the one signed result.
        let room = JobLimits.resultOutput / (2 * share)
        let timeout = job.left(at: WallClock.now()).map { min($0, policy.timeout) } ?? policy.timeout
        let input = Self.input(of: job)
        return .with {
            $0.host = run.destination
            $0.address = host.address
            $0.port = UInt32(host.port)
            $0.user = host.user
            $0.identity = host.identityName
            $0.publicKey = .init(host.identity.publicBlob)
            $0.hostKeys = host.hostKeys.map { .init($0) }
            $0.jumps = host.jumps.map(Self.hop)
            $0.arguments = run.arguments
            $0.environment = run.environment
            if policy.passesTrace, let trace { $0.environment.append("\(JobPolicy.traceVariable)=\(trace)") }
            $0.connectTimeoutMs = UInt32(clamping: host.connectTimeout.milliseconds)
            $0.timeoutMs = UInt32(clamping: max(1, timeout.milliseconds))
            $0.graceMs = UInt32(clamping: policy.grace.milliseconds)
            $0.stdoutLimit = UInt32(min(policy.stdoutLimit, room))
            $0.stderrLimit = UInt32(min(policy.stderrLimit, room))
            $0.hasBody_p = policy.standardInput != .none
            $0.bodyLength = UInt64(input?.count ?? 0)
            $0.inSystemdUnit = policy.containment == .systemd
            if policy.interrupted == .retry { $0.lock = Self.lock(job.id, run.destination) }
        }
    }

    /// Names one attempt after another of a job on a destination, but not two destinations that are one host.
    private static func lock(_ job: String, _ destination: String) -> String {
        "\(job)-\(Hex.encode(SHA256.hash(Array(destination.utf8)).prefix(4)))"
    }

    private static func hop(_ hop: HostDirectory.Hop) -> WireHop {
        .with {
            $0.host = hop.name
            $0.address = hop.target.address
            $0.port = UInt32(hop.target.port)
            $0.user = hop.target.user
            $0.identity = hop.target.identityName
            $0.publicKey = .init(hop.target.identity.publicBlob)
            $0.hostKeys = hop.target.hostKeys.map { .init($0) }
        }
    }

    /// The job's result after its last attempt.
    ///
    /// - Parameter isDead: it may have been good with one more attempt.
    func sum(_ job: RunningJob, attempts: UInt32, isDead: Bool = false, now: Int64) -> WireJobResult {
        let results = job.attempts.results(job.plan)
        let (status, reason, error) = JobOutcome.job(results)
        return .with {
            $0.jobID = job.id
            $0.status = isDead && status == .failed ? .dead : status
            $0.reason = reason
            $0.error = error.clipped(toBytes: JobLimits.errorText)
            $0.attempts = attempts
            $0.durationMs = UInt64(max(0, now - job.acceptedAt))
            $0.correlationID = job.request.correlationID
            $0.destinations = results
            $0.finishedAtMs = now
        }
    }
}
