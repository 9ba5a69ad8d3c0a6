internal import Audit
internal import Authentication
internal import JobProtocol
internal import ProtocolMessages

/// What is recorded of the executor's work. Never a token, a parameter's value, a body or output: digests of them where they matter.
extension AuditEvent {
    /// A request that became a job.
    ///
    /// - Parameter starts: its commands begin at once, with its first attempt.
    static func accepted(
        _ submission: Submission, _ plan: Policy.Plan, policy: String, starts: Bool, at time: Int64
    ) -> [AuditEvent] {
        let id = submission.request.jobID
        var events = [delivery(submission, at: time)]
        if let token = plan.token {
            events.append(
                AuditEvent(
                    .token, at: time,
                    [
                        ("job", .text(id)), ("issuer", .text(token.iss ?? "")), ("subject", .text(token.sub ?? "")),
                        ("id", .text(token.jti ?? "")),
                    ]))
        }
        events.append(
            AuditEvent(
                .decision, at: time,
                [
                    ("job", .text(id)), ("decision", "accepted"), ("policy", .text(policy)),
                    ("hosts", .text(plan.runs.map(\.destination).joined(separator: ","))), ("command", .text(digest(plan.runs))),
                ]))
        // In a sequence only the first begins now.
        let begun = starts ? plan.runs.prefix(plan.job.order.isSequence ? 1 : plan.runs.count) : []
        events += begun.map { started(id, attempt: 1, $0.destination, at: time) }
        return events
    }

    /// A request that the policy or the limits refuse.
    static func refused(_ submission: Submission, _ refusal: Refusal, policy: String, at time: Int64) -> [AuditEvent] {
        [
            delivery(submission, at: time),
            AuditEvent(
                .decision, at: time,
                [
                    ("job", .text(submission.request.jobID)), ("decision", "refused"), ("policy", .text(policy)),
                    ("reason", .text(JobNames.name(refusal.reason))), ("error", .text(refusal.message)),
                ]),
        ]
    }

    /// A request for which another job stands.
    static func duplicate(_ submission: Submission, of job: String, policy: String, at time: Int64) -> [AuditEvent] {
        [
            delivery(submission, at: time),
            AuditEvent(
                .decision, at: time,
                [
                    ("job", .text(submission.request.jobID)), ("decision", "duplicate"), ("policy", .text(policy)),
                    ("original", .text(job)),
                ]),
        ]
    }

    private static func delivery(_ submission: Submission, at time: Int64) -> AuditEvent {
        let request = submission.request
        return AuditEvent(
            .delivery, at: time,
            [
                ("job", .text(request.jobID)), ("ingress", .text(submission.ingress)), ("key", .text(submission.envelope.keyID)),
                ("hook", .text(request.hook)), ("name", .text(request.job)), ("event", .text(request.eventID)),
                ("attempt", .number(Int64(request.attempt))), ("body", .text(Hex.encode([UInt8](request.bodyDigest)))),
                ("request", .text(Hex.encode(submission.digest))),
            ])
    }

    /// SHA-256 over the argument vectors and environments of all hosts, each text with its length before it.
    private static func digest(_ runs: [Policy.Run]) -> String {
        let hash = SHA256()
        for run in runs {
            for part in [[run.destination, run.identity ?? ""], run.arguments, run.environment] {
                hash.update(Array("\(part.count)\n".utf8))
                for text in part { hash.update(Array("\(text.utf8.count) \(text)\n".utf8)) }
            }
        }
        return Hex.encode(hash.finish())
    }

    /// A command is about to be given to a host.
    static func started(_ job: String, attempt: UInt32, _ host: String, at time: Int64) -> AuditEvent {
        AuditEvent(
            .attemptStarted, at: time, [("job", .text(job)), ("attempt", .number(Int64(attempt))), ("host", .text(host))])
    }

    /// What the worker said of its end.
    static func ended(_ job: String, attempt: UInt32, _ result: WireDestinationResult, at time: Int64) -> AuditEvent {
        var fields: [(String, Value)] = [
            ("job", .text(job)), ("attempt", .number(Int64(attempt))), ("host", .text(result.destination)),
            ("state", .text(JobNames.name(result.status))), ("reason", .text(JobNames.name(result.reason))),
        ]
        if result.hasExitCode { fields.append(("exit", .number(Int64(result.exitCode)))) }
        return AuditEvent(.attemptEnded, at: time, fields)
    }

    /// How a job ended; `digest` is over the result as the journal keeps it.
    static func result(_ job: String, _ result: WireJobResult, digest: [UInt8]) -> AuditEvent {
        AuditEvent(
            .result, at: result.finishedAtMs,
            [
                ("job", .text(job)), ("state", .text(JobNames.name(result.status))),
                ("reason", .text(JobNames.name(result.reason))), ("attempts", .number(Int64(result.attempts))),
                ("result", .text(Hex.encode(digest))),
            ])
    }

    /// A job of an executor that is gone is this one's from now on.
    ///
    /// - Parameters:
    ///   - origin: of the log of whose it was; empty where that is not known any more.
    ///   - epoch: the number of that executor's start.
    static func takenOver(_ job: String, from origin: String, epoch: Int64, at time: Int64) -> AuditEvent {
        AuditEvent(.takenOver, at: time, [("job", .text(job)), ("from", .text(origin)), ("epoch", .number(epoch))])
    }

    /// A signature that is about to be given to a worker.
    static func signature(
        _ job: String, lease: UInt64, destination: String, identity: String, _ permit: Signer.Permit, session: String,
        at time: Int64
    ) -> AuditEvent {
        AuditEvent(
            .signature, at: time,
            [
                ("job", .text(job)), ("lease", .number(Int64(clamping: lease))), ("host", .text(destination)),
                ("user", .text(permit.user)), ("identity", .text(identity)), ("key", .text(permit.identity.fingerprint)),
                ("session", .text(session)),
            ])
    }

    /// An ingress's connection was ended for what it sent.
    static func violation(ingress: String, _ error: ProtocolError, at time: Int64) -> AuditEvent {
        AuditEvent(
            .violation, at: time,
            [("ingress", .text(ingress)), ("code", .text(error.code.rawValue)), ("error", .text(error.message))])
    }

    /// Somebody asks something of the admin socket.
    ///
    /// - Parameter isRefused: the peer may not do that.
    static func `operator`(
        _ peer: AdminPeer, _ request: WireAdminRequest.OneOf_Kind, at time: Int64, isRefused: Bool = false
    ) -> AuditEvent {
        let (action, object, name) =
            switch request {
            case .listJobs(let list): ("list-jobs", list.job, "")
            case .getStatus: ("status", "", "")
            case .getMetrics: ("metrics", "", "")
            case .checkHosts(let check): ("check-hosts", check.all ? "all" : objects(check.hosts, false), check.operator)
            case .showJob(let show): ("show-job", show.id, "")
            case .tailJob(let tail): ("tail-job", tail.id, "")
            case .cancelJob(let cancel): ("cancel-job", cancel.id, cancel.operator)
            case .replayJobs(let replay):
                (replay.dryRun ? "replay-jobs-dry" : "replay-jobs", objects(replay.ids, replay.hasFilter), replay.operator)
            case .discardJobs(let discard):
                (discard.dryRun ? "discard-jobs-dry" : "discard-jobs", objects(discard.ids, discard.hasFilter), discard.operator)
            }
        var fields: [(String, Value)] = [
            ("uid", .number(Int64(peer.uid))), ("action", .text(action)),
            ("object", .text(object.clipped(toBytes: JobLimits.errorText))), ("name", .text(peer.name(name))),
        ]
        if isRefused { fields.append(("decision", "refused")) }
        return AuditEvent(.operator, at: time, fields)
    }

    private static func objects(_ ids: [String], _ hasFilter: Bool) -> String {
        (ids + (hasFilter ? ["by filter"] : [])).joined(separator: ",")
    }

    /// The executor begins to serve under that policy and signs with that key.
    ///
    /// - Parameter epoch: the number of this start among all of a journal that is shared.
    static func executorStarted(policy: String, key: Ed25519PublicKey, epoch: Int64?, at time: Int64) -> AuditEvent {
        let number: [(String, Value)] = epoch.map { [("epoch", .number($0))] } ?? []
        return AuditEvent(.executorStarted, at: time, [("policy", .text(policy)), ("key", .text("\(key)"))] + number)
    }

    /// Other settings hold from now on.
    static func policyChanged(_ policy: String, at time: Int64) -> AuditEvent {
        AuditEvent(.policyChanged, at: time, [("policy", .text(policy))])
    }

    /// It stops in order.
    static func executorStopped(unfinished: Int, at time: Int64) -> AuditEvent {
        AuditEvent(.executorStopped, at: time, [("unfinished", .number(Int64(unfinished)))])
    }
}
