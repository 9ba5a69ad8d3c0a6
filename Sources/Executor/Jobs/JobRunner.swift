internal import Audit
internal import Authentication
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf

/// Runs a job's commands on its destinations, again where they did not start, and sums up.
final class JobRunner: Sendable {
    /// Commands at once on one host, for one user and identity: sshd's MaxSessions is 10, two are left for ending and probing.
    static let commandsPerHost = 8

    /// How often a job whose rule is `interrupted: retry` runs again without a restart of the executor.
    static let maximumInterruptions = 3

    private let hosts: HostDirectory
    private let workers: WorkerPool
    private let logger: Logger

    init(hosts: HostDirectory, workers: WorkerPool, logger: Logger) {
        self.hosts = hosts
        self.workers = workers
        self.logger = logger
    }

    /// The slots a plan takes: one of its job, one on each of its hosts.
    func needs(_ plan: Policy.Plan) -> [Slots.Need] {
        [.init(key: "job/\(plan.job.name)", limit: plan.job.concurrency)]
            + plan.runs.map { .init(key: "host/\($0.destination)", limit: Self.commandsPerHost) }
    }

    /// Runs to the end of all attempts. Never throws: whatever happens is a result. With it, the ends of commands that are to be
    /// recorded with it.
    func run(
        _ job: RunningJob, journal: any Journal, onState: @Sendable (WireJobStatus, _ attempt: UInt32) -> Void,
        onOutput: @escaping @Sendable (_ destination: String, WireStream, [UInt8]) -> Void
    ) async -> (WireJobResult, [AuditEvent]) {
        let start = ContinuousClock.now
        var ends: [AuditEvent] = []
        var results: [String: WireDestinationResult] = [:]
        var attempt = job.attempt
        var backoff = job.plan.job.retry.backoff
        var interruptions = 0
        while true {
            let open = job.plan.runs.filter { results[$0.destination].map { again($0, job) } ?? true }
            for result in await once(open, job, journal: journal, onOutput: onOutput) {
                results[result.destination] = result
                ends.append(.ended(job.request.jobID, attempt: attempt, result, at: WallClock.now()))
            }
            if results.values.contains(where: { JobOutcome.wasInterrupted($0, job: job.plan.job) }) {
                interruptions += 1
                guard interruptions <= Self.maximumInterruptions else { break }
            } else if !results.values.contains(where: JobOutcome.mayTryAgain) || Int(attempt) >= job.plan.job.retry.attempts {
                break
            }
            attempt += 1
            // Full jitter: anywhere between nothing and the back-off.
            let wait = backoff * Double.random(in: 0...1)
            logger.notice(
                "command did not start or was cut off, trying again",
                metadata: ["job": "\(job.request.jobID)", "attempt": "\(attempt)", "wait": "\(wait)"])
            if (try? await journal.mark(job.request.jobID, .accepted, attempt: attempt, ends)) != nil { ends = [] }
            onState(.accepted, attempt)
            try? await Task.sleep(for: wait)
            let starts = job.plan.runs.filter { results[$0.destination].map { again($0, job) } ?? true }.map {
                AuditEvent.started(job.request.jobID, attempt: attempt, $0.destination, at: WallClock.now())
            }
            guard (try? await journal.mark(job.request.jobID, .running, attempt: attempt, ends + starts)) != nil else { break }
            ends = []
            onState(.running, attempt)
            backoff = min(backoff * 2, job.plan.job.retry.maximumBackoff)
        }
        return (sum(job, job.plan.runs.compactMap { results[$0.destination] }, attempts: attempt, since: start), ends)
    }

    private func again(_ result: WireDestinationResult, _ job: RunningJob) -> Bool {
        JobOutcome.mayTryAgain(result) || JobOutcome.wasInterrupted(result, job: job.plan.job)
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

    private func command(
        _ run: Policy.Run, _ job: RunningJob, share: Int, journal: any Journal,
        onOutput: @escaping @Sendable (String, WireStream, [UInt8]) -> Void
    ) async -> WireDestinationResult {
        let host: HostDirectory.Target
        do throws(Refusal) {
            host = try hosts.target(run.destination)
        } catch {
            return .with {
                $0.destination = run.destination
                $0.status = .failed
                $0.reason = error.reason
                $0.error = error.message
            }
        }
        let lease = lease(run, job, host: host, share: share)
        let destination = run.destination
        let id = job.request.jobID
        let finished = await workers.run(
            lease, job: id, identity: host.identity, body: job.body, onOutput: { onOutput(destination, $0, $1) },
            onStage: { stage, group in
                guard stage == .started else { return }
                journal.noteLater(id, "started as process group \(group)", destination: destination)
            })
        return JobOutcome.destination(lease, finished, job: job.plan.job, share: share)
    }

    private func lease(_ run: Policy.Run, _ job: RunningJob, host: HostDirectory.Target, share: Int) -> WireLease {
        let policy = job.plan.job
        // All destinations' output together must fit into the one signed result.
        let room = JobLimits.resultOutput / (2 * share)
        return .with {
            $0.host = run.destination
            $0.address = host.address
            $0.port = UInt32(host.port)
            $0.user = host.user
            $0.identity = host.identityName
            $0.publicKey = .init(host.identity.publicBlob)
            $0.hostKeys = host.hostKeys.map { .init($0) }
            $0.arguments = run.arguments
            $0.environment = run.environment
            $0.connectTimeoutMs = UInt32(clamping: host.connectTimeout.milliseconds)
            $0.timeoutMs = UInt32(clamping: policy.timeout.milliseconds)
            $0.graceMs = UInt32(clamping: policy.grace.milliseconds)
            $0.stdoutLimit = UInt32(min(policy.stdoutLimit, room))
            $0.stderrLimit = UInt32(min(policy.stderrLimit, room))
            $0.hasBody_p = policy.standardInput == .body
            $0.bodyLength = UInt64(job.body?.count ?? 0)
        }
    }

    private func sum(
        _ job: RunningJob, _ results: [WireDestinationResult], attempts: UInt32, since start: ContinuousClock.Instant
    ) -> WireJobResult {
        let (status, reason, error) = JobOutcome.job(results)
        return .with {
            $0.jobID = job.request.jobID
            $0.status = status
            $0.reason = reason
            $0.error = error.clipped(toBytes: JobLimits.errorText)
            $0.attempts = attempts
            $0.durationMs = UInt64((ContinuousClock.now - start).milliseconds)
            $0.correlationID = job.request.correlationID
            $0.destinations = results
            $0.finishedAtMs = WallClock.now()
        }
    }
}
