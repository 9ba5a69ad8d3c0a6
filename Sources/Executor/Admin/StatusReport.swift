internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// Says how the executor is, from what its parts say of themselves.
struct StatusReport: Sendable {
    let startedAt = WallClock.now()
    let jobs: JobService
    let workers: WorkerPool
    let workersExpected: Int
    let dialers: [Dialer]
    let reloads: ReloadRecord
    let landlock: Int

    /// The status, then a part for each host.
    func parts() async -> [WireAdminResponse] {
        let hosts = hosts()
        let status = await status(hosts)
        return [.with { $0.status = status }] + hosts.map { host in .with { $0.host = host } }
    }

    private func status(_ hosts: [WireHostStatus]) async -> WireExecutorStatus {
        let health = await jobs.journal.health()
        let rules = jobs.rules.now
        let counts = jobs.active.counts
        let reload = reloads.last
        var status = WireExecutorStatus.with {
            $0.version = ExecutorProcess.version
            $0.startedAtMs = startedAt
            $0.nowMs = WallClock.now()
            $0.policyDigest = rules.policy.digest
            $0.policyReadAtMs = reloads.readAt ?? startedAt
            $0.ingresses = dialers.map(\.status)
            $0.workers = workers.statuses
            $0.workersLost = UInt32(clamping: workers.lost)
            $0.workersExpected = UInt32(clamping: workersExpected)
            $0.jobsRunning = UInt32(clamping: counts.running)
            $0.jobsWaiting = UInt32(clamping: counts.waiting)
            $0.jobsPostponed = UInt32(clamping: counts.postponed)
            $0.deadLetters = UInt32(clamping: health.deadLetters)
            $0.journal = health.journal
            $0.audit = health.audit
            $0.landlock = UInt32(clamping: landlock)
            $0.reloadedAtMs = reload?.at ?? 0
            $0.reloadProblem = reload?.problem ?? ""
            $0.draining = jobs.isDraining
        }
        status.problems = Self.problems(status, hosts)
        return status
    }

    private func hosts() -> [WireHostStatus] {
        let directory = jobs.rules.now.hosts
        let last = workers.hosts.all
        let now = WallClock.now()
        return directory.targets.sorted { $0.key < $1.key }.map { name, target in
            .with {
                $0.name = name
                $0.running = UInt32(clamping: jobs.slots.inUse("host/\(name)"))
                $0.places = UInt32(clamping: target.concurrency)
                $0.unusable = directory.unpinned[name] ?? ""
                $0.breaker = workers.breakers.standing(name, now: now)
                guard let last = last[name] else { return }
                $0.lastAtMs = last.at
                $0.lastReason = last.reason
                $0.lastError = last.error
            }
        }
    }

    /// What is not as it should be, the worst first. Dead letters are work for somebody, not an illness.
    static func problems(_ status: WireExecutorStatus, _ hosts: [WireHostStatus]) -> [String] {
        var problems: [String] = []
        if status.draining { problems.append("the executor is stopping: new requests wait for the next one") }
        if !status.journal.error.isEmpty {
            problems.append("the journal cannot be written, nothing new is accepted: \(status.journal.error)")
        }
        if !status.audit.error.isEmpty { problems.append("the audit log cannot be written: \(status.audit.error)") }
        if status.workers.isEmpty {
            problems.append("no SSH worker is connected: nothing can run")
        } else if status.workers.count < status.workersExpected {
            problems.append("\(status.workers.count) of \(status.workersExpected) SSH workers are connected")
        }
        for ingress in status.ingresses where ingress.connectedAtMs == 0 {
            problems.append("ingress \(ingress.name) is not connected: look whether it runs, and at the executor's log")
        }
        if !status.reloadProblem.isEmpty { problems.append("changed settings were not taken: \(status.reloadProblem)") }
        for host in hosts {
            if !host.unusable.isEmpty {
                problems.append(host.unusable)
            } else if !host.breaker.isEmpty {
                problems.append("host \(host.name) is left alone: \(host.breaker)")
            } else if host.lastReason != .unspecified {
                problems.append("host \(host.name): \(JobNames.name(host.lastReason)): \(host.lastError)")
            }
        }
        return problems
    }
}
