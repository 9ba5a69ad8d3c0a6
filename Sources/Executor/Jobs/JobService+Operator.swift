internal import Authentication
internal import JobProtocol
internal import Logging
internal import ProtocolMessages
internal import SwiftProtobuf

/// What an operator may do to jobs, beside looking at them.
extension JobService {
    /// How long ``cancel(_:by:)`` waits for a job to end: longer than a worker takes to end a command and to look for its group.
    static let cancelPatience = Duration.seconds(60)
    /// Between two looks whether a cancelled job has ended.
    private static let cancelPause = Duration.milliseconds(50)

    /// Under this name stand, in the journal, requests that no ingress has signed.
    static let operatorKey = "operator"

    /// What becomes of a cancel.
    enum Cancelled: Equatable {
        /// The job has ended, as its result says.
        case ended
        /// It still runs after ``cancelPatience``.
        case notYet
        /// It is finished already, or not in the journal.
        case notActive
    }

    /// Ends a job: what waits never runs, what runs is ended on its hosts.
    func cancel(_ id: String, by operatorName: String) async throws(JournalError) -> Cancelled {
        guard active.isActive(id) else { return try await cancelElsewhere(id, by: operatorName) }
        if let shared = journal.shared {
            // Whoever takes it over, should this executor be gone before the job is, must not begin it again.
            try await shared.askToCancel(id, by: operatorName)
        } else {
            try await journal.note(id, HistoryText.cancelAsked(by: operatorName), destination: "", nil)
        }
        logger.notice("job is cancelled", metadata: ["job": "\(id)", "operator": "\(operatorName)"])
        return await end(id)
    }

    /// Ends a job that is active here.
    func end(_ id: String) async -> Cancelled {
        switch active.cancel(id) {
        case nil: return .ended
        case .line(let leave)?: leave()
        case .paused(let sleeper, _)?: sleeper.cancel()
        case .between?, .running?: break
        }
        let end = ContinuousClock.now + Self.cancelPatience
        while active.isActive(id) {
            guard ContinuousClock.now < end else { return .notYet }
            // A lease may be handed out just now.
            runner.cancel(id)
            try? await Task.sleep(for: Self.cancelPause)
        }
        return .ended
    }

    /// Runs a finished job again, as a new job under the policy of now.
    ///
    /// - Parameter isDry: nothing is begun.
    /// - Returns: the new job's id; nil when dry.
    /// - Throws: ``Refusal`` when the policy, the journal or the job itself stands against it.
    func replay(_ stored: StoredJob, by operatorName: String, isDry: Bool) async throws(Refusal) -> String? {
        guard !isDraining else { throw Refusal(.busy, "the executor is stopping") }
        guard stored.finishedAt != nil else {
            throw Refusal(.busy, "the job is not finished; it is \(JobNames.name(stored.status))")
        }
        guard !stored.request.bodyFollows || stored.body != nil else {
            throw Refusal(.policy, "its body is not kept any more: of a job that succeeded or was discarded there is none")
        }
        // Who asks again cannot sign for the sender.
        let wasVerified = stored.status != .refused && stored.request.hasWebhookSignature
        if rules.now.policy.jobs[stored.request.job]?.verifier != nil, !wasVerified {
            throw Refusal(.token, "the job demands its sender's signature, which was not verified when it came")
        }
        let now = WallClock.now()
        let request = Self.again(stored.request, now: now)
        // Its token was verified when it was accepted; what is kept of it would not pass.
        let plan = try rules.now.policy.plan(
            request, from: stored.ingress, now: now / 1000, tokenIsVerified: stored.status != .refused)
        guard !isDry else { return nil }
        let submission = try Self.submission(request, of: stored, by: operatorName)
        let subscriber = Subscriber(request: request, digest: submission.digest, sink: NobodyWaits())
        switch try await begin(plan, submission, subscriber, now: now) {
        case .claimed: return request.jobID
        case .duplicate(let other), .contradiction(let other), .known(let other):
            throw Refusal(.replay, "job \(other.id) of the same event is \(JobNames.name(other.status))")
        case .busy(let reason): throw Refusal(.busy, reason)
        case .conflict, .expired: throw Refusal(.replay, "the journal does not take it")
        }
    }

    /// The same wish, as a request of its own that an operator stands for.
    private static func again(_ request: WireJobRequest, now: Int64) -> WireJobRequest {
        var again = request
        again.jobID = Random.uuidV7(milliseconds: now)
        again.manualRetry = true
        again.issuedAtMs = now
        again.expiresAtMs = now + 60_000
        again.waitUntilMs = now
        return again
    }

    private static func submission(
        _ request: WireJobRequest, of stored: StoredJob, by operatorName: String
    ) throws(Refusal) -> Submission {
        let payload: [UInt8]
        do {
            payload = try request.serializedBytes()
        } catch {
            throw Refusal(.journal, "the request cannot be written: \(error)")
        }
        var envelope = WireSignedEnvelope()
        envelope.keyID = operatorKey
        return Submission(
            envelope: envelope, payload: payload, request: request, digest: SHA256.hash(payload), ingress: stored.ingress,
            body: stored.body, replay: Replay(origin: stored.id, operatorName: operatorName))
    }
}

/// The operator looks into the journal when he wants to know.
private struct NobodyWaits: ResultSink {
    func accepted(_ acceptance: WireJobAcceptance) {}
    func finished(_ result: WireJobResult) {}
}
