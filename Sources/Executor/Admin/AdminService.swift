internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Telemetry

/// Answers the operator's questions from the journal, and does what operators ask for.
struct AdminService: Sendable {
    /// Jobs one list shows when the operator does not say, and at most; a replay or discard takes as many.
    static let listLimit = (standard: 50, maximum: 1000)

    let jobs: JobService
    let report: StatusReport
    var journal: any Journal { jobs.journal }
    var watchers: JobWatchers { jobs.watchers }

    /// The answers to one request, in order, the last an end or an error.
    func answer(_ request: WireAdminRequest.OneOf_Kind, for peer: AdminPeer) async -> [WireAdminResponse] {
        do throws(JournalError) {
            switch request {
            case .listJobs(let list): return try await records(list)
            case .showJob(let show): return try await record(show.id)
            // Answered bit by bit, see AdminTail.
            case .tailJob, .checkHosts: return []
            case .getStatus: return await report.parts() + [Self.end]
            case .getMetrics(let get):
                return Self.texts(jobs.metrics.registry.text(get.openMetrics ? .openMetrics : .text)) + [Self.end]
            case .cancelJob, .replayJobs, .discardJobs:
                if let refusal = try await admit(request, from: peer) { return [refusal] }
                return try await change(request, by: peer)
            }
        } catch {
            return [Self.error("\(error)")]
        }
    }

    /// Records what somebody wants to be done, or that he may not; the refusal then.
    private func admit(_ request: WireAdminRequest.OneOf_Kind, from peer: AdminPeer) async throws(JournalError)
        -> WireAdminResponse?
    {
        guard peer.role == .operate else {
            journal.recordLater([.operator(peer, request, at: WallClock.now(), isRefused: true)])
            return Self.error("uid \(peer.uid) may look at jobs, not change them; name it among `admin.operators`")
        }
        // No record, no change.
        try await journal.record([.operator(peer, request, at: WallClock.now())])
        return nil
    }

    /// Looks at hosts, and tells of each as its check ends.
    func check(_ check: WireCheckHosts, for peer: AdminPeer, _ tell: @escaping @Sendable (WireAdminResponse) -> Void) async {
        do {
            if let refusal = try await admit(.checkHosts(check), from: peer) { return tell(refusal) }
            let checks = HostCheck(jobs: jobs)
            await checks.run(try checks.hosts(check), by: peer.name(check.operator)) { host in tell(.with { $0.hostCheck = host })
            }
            tell(Self.end)
        } catch let refusal as Refusal {
            tell(Self.error(refusal.message))
        } catch {
            tell(Self.error("\(error)"))
        }
    }

    /// A text in parts that fit into a frame.
    static func texts(_ text: String) -> [WireAdminResponse] {
        var parts: [String] = []
        for line in text.split(separator: "\n") {
            if parts.isEmpty || (parts.last?.utf8.count ?? 0) + line.utf8.count > Frames.maximumChunk { parts.append("") }
            parts[parts.count - 1] += line + "\n"
        }
        return parts.map { part in .with { $0.metrics.text = part } }
    }

    /// All but metrics: a program asks for these all day, and they say nothing of any delivery.
    static func isRecorded(_ request: WireAdminRequest.OneOf_Kind) -> Bool {
        if case .getMetrics = request { false } else { true }
    }

    /// It changes what becomes of jobs, or has something done on hosts; anything else only looks.
    static func changes(_ request: WireAdminRequest.OneOf_Kind) -> Bool {
        switch request {
        case .cancelJob, .replayJobs, .discardJobs, .checkHosts: true
        case .listJobs, .showJob, .tailJob, .getStatus, .getMetrics: false
        }
    }

    private func change(
        _ request: WireAdminRequest.OneOf_Kind, by peer: AdminPeer
    ) async throws(JournalError) -> [WireAdminResponse] {
        switch request {
        case .cancelJob(let cancel): return try await self.cancel(cancel, by: peer.name(cancel.operator))
        case .replayJobs(let replay):
            let name = peer.name(replay.operator)
            return try await each(replay.ids, replay.hasFilter ? replay.filter : nil) { job throws(JournalError) in
                do throws(Refusal) {
                    return (try await jobs.replay(job, by: name, isDry: replay.dryRun) ?? "", nil)
                } catch {
                    return ("", error.message)
                }
            }
        case .discardJobs(let discard):
            let name = peer.name(discard.operator)
            return try await each(discard.ids, discard.hasFilter ? discard.filter : nil) { job throws(JournalError) in
                guard job.letter == .open else { return ("", "it is no dead letter, or none any more") }
                guard !discard.dryRun else { return ("", nil) }
                return ("", try await journal.discard(job.id, by: name) ? nil : "it is none any more")
            }
        case .listJobs, .showJob, .tailJob, .getStatus, .getMetrics, .checkHosts: return []
        }
    }

    private func cancel(_ cancel: WireCancelJob, by name: String) async throws(JournalError) -> [WireAdminResponse] {
        guard let job = try await journal.find(cancel.id) else { return [Self.unknown(cancel.id)] }
        switch try await jobs.cancel(job.id, by: name) {
        case .ended: return try await record(job.id)
        case .notActive:
            // It may have ended since it was looked for.
            let status = try await journal.find(job.id)?.status ?? job.status
            return [Self.error("job \(job.id) does not run; it is \(JobNames.name(status))")]
        case .notYet:
            return [Self.error("job \(job.id) was told to end and has not after \(JobService.cancelPatience); look at its host")]
        }
    }

    /// Does something to jobs by their ids, or to those a filter finds, oldest first; says of each what became of it.
    private func each(
        _ ids: [String], _ filter: WireListJobs?,
        _ body: (StoredJob) async throws(JournalError) -> (newID: String, error: String?)
    ) async throws(JournalError) -> [WireAdminResponse] {
        guard ids.count <= Self.listLimit.maximum else {
            return [Self.error("\(ids.count) jobs, the limit is \(Self.listLimit.maximum)")]
        }
        var found: [StoredJob] = []
        for id in ids {
            guard let job = try await journal.find(id) else { return [Self.unknown(id)] }
            found.append(job)
        }
        // A list leaves out what may be long, as the body that a replay needs.
        if let filter {
            for job in try await listed(filter).reversed() {
                if let whole = try await journal.find(job.id) { found.append(whole) }
            }
        }
        var answers: [WireAdminResponse] = []
        for job in found {
            let (newID, error) = try await body(job)
            let change = WireAdminChange.with {
                $0.jobID = job.id
                $0.newJobID = newID
                $0.error = error ?? ""
                $0.name = job.request.job
            }
            answers.append(.with { $0.change = change })
        }
        return answers + [Self.end]
    }

    private func listed(_ list: WireListJobs) async throws(JournalError) -> [StoredJob] {
        let limit = list.limit == 0 ? Self.listLimit.standard : min(Int(list.limit), Self.listLimit.maximum)
        return try await journal.list(JobFilter(list), limit: limit)
    }

    private func records(_ list: WireListJobs) async throws(JournalError) -> [WireAdminResponse] {
        try await listed(list).map { job in .with { $0.job = WireJobRecord(job) } } + [Self.end]
    }

    /// One job with its parameters, results and history.
    func record(_ id: String) async throws(JournalError) -> [WireAdminResponse] {
        guard let job = try await journal.find(id) else { return [Self.unknown(id)] }
        var record = WireJobRecord(job)
        record.parameters = job.request.parameters
        record.destinations = job.result?.destinations ?? job.progress?.destinations ?? []
        record.events = try await journal.history(job.id)
        return [.with { $0.job = record }, Self.end]
    }

    private static let end = WireAdminResponse.with { $0.end = .init() }

    static func error(_ message: String) -> WireAdminResponse { .with { $0.error = .with { $0.message = message } } }

    private static func unknown(_ id: String) -> WireAdminResponse {
        error("no job and no event with the id \(id.prefix(JobLimits.eventID))")
    }
}

extension JobFilter {
    /// As it came over the admin socket.
    init(_ list: WireListJobs) {
        self.init(
            status: list.status == .unspecified ? nil : list.status, job: list.job, hook: list.hook, host: list.host,
            eventID: list.eventID, correlationID: list.correlationID, since: list.sinceMs == 0 ? nil : list.sinceMs,
            until: list.untilMs == 0 ? nil : list.untilMs, deadLetters: list.deadLetters)
    }
}

extension WireJobRecord {
    /// What a list shows of a job.
    init(_ job: StoredJob) {
        self.init()
        jobID = job.id
        ingress = job.ingress
        hook = job.request.hook
        self.job = job.request.job
        eventID = job.request.eventID
        attempt = job.attempt
        status = job.status
        reason = job.reason
        error = job.error
        acceptedAtMs = job.acceptedAt
        finishedAtMs = job.finishedAt ?? 0
        correlationID = job.request.correlationID
        origin = job.origin
        `operator` = job.operatorName
        nextAttemptMs = job.dueAt ?? 0
        switch job.letter {
        case .none: break
        case .open: deadLetter = "open"
        case .discarded: deadLetter = "discarded"
        case .replayed: deadLetter = "replayed"
        }
    }
}
