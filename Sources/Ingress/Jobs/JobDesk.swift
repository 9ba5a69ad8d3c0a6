internal import Authentication
internal import FoundationEssentials
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization

/// Where deliveries meet executors: who is connected, what was handed over, who waits for what.
final class JobDesk: Sendable {
    /// Requests that may be pending; one more is refused as busy.
    static let maximumPending = 4096

    /// What a waiting delivery learns.
    enum Outcome: Sendable {
        /// The job is durable at the executor under this id. Only who asked for no more learns it.
        case accepted(jobID: String)
        case finished(WireJobResult)
    }

    /// What submitting comes to at once.
    enum Submitted {
        /// Wait on the future; ``leave(_:)`` when the wait is over before it.
        case waiting(Ticket, EventLoopFuture<Outcome>)
        /// No executor is connected.
        case unavailable
        /// The executor has as many requests as it lets us have.
        case busy
        /// The request could not be signed or is too large for a frame.
        case failed(String)
    }

    /// One delivery's place among those who wait for a job.
    struct Ticket: Sendable {
        let jobID: String
        let number: UInt64
        /// The event was in flight already under another delivery's request.
        let joined: Bool
    }

    /// How a wait that ended early stands.
    enum Standing {
        /// Durable at the executor under this id.
        case accepted(jobID: String)
        /// Handed over, not confirmed; with an event id it can be sent again safely.
        case unconfirmed(hasEvent: Bool)
    }

    private struct State {
        var links: [ExecutorLink] = []
        var pending: [String: PendingJob] = [:]
        var inFlight: [String: String] = [:]
        /// Pending requests by executor.
        var unfinished: [String: Int] = [:]
        var nextNumber: UInt64 = 0

        mutating func add(_ job: PendingJob) {
            pending[job.jobID] = job
            unfinished[job.executor, default: 0] += 1
            if !job.dedupeKey.isEmpty { inFlight[job.dedupeKey] = job.jobID }
        }

        mutating func remove(_ jobID: String) -> PendingJob? {
            guard let job = pending.removeValue(forKey: jobID) else { return nil }
            unfinished[job.executor, default: 1] -= 1
            if inFlight[job.dedupeKey] == jobID { inFlight[job.dedupeKey] = nil }
            return job
        }

        /// Puts a delivery beside those that wait for its event; nil when the event is not in flight.
        mutating func join(_ dedupeKey: String, _ waiter: PendingJob.Waiter) -> Ticket? {
            guard !dedupeKey.isEmpty, let jobID = inFlight[dedupeKey] else { return nil }
            nextNumber += 1
            var waiter = waiter
            waiter.isJoined = true
            pending[jobID]?.waiters[nextNumber] = waiter
            return Ticket(jobID: jobID, number: nextNumber, joined: true)
        }

        mutating func takeSatisfied(_ jobID: String) -> (jobID: String, promises: [EventLoopPromise<Outcome>]) {
            (pending[jobID]?.originalJobID ?? jobID, pending[jobID]?.takeSatisfied() ?? [])
        }
    }

    private let keyID: String
    private let key: Ed25519PrivateKey
    private let trusted: TrustedKeys
    private let logger: Logger
    private let state = Mutex(State())
    /// What is asked about jobs that executors have.
    let watches: JobWatches

    init(keyID: String, key: Ed25519PrivateKey, trusted: TrustedKeys, logger: Logger) {
        self.keyID = keyID
        self.key = key
        self.trusted = trusted
        watches = JobWatches(trusted: trusted)
        self.logger = logger
    }

    /// An executor is connected.
    var isReady: Bool { state.withLock { !$0.links.isEmpty } }
    /// Requests handed over and unanswered.
    var pendingCount: Int { state.withLock { $0.pending.count } }
    /// Executors connected.
    var linkCount: Int { state.withLock { $0.links.count } }

    /// Signs a request and hands it to an executor, or joins the same event that is in flight.
    ///
    /// - Parameter untilAccepted: the future is done when the job is durable, without its result.
    func submit(_ request: WireJobRequest, body: ByteBuffer?, untilAccepted: Bool, on eventLoop: any EventLoop) -> Submitted {
        let waiter = PendingJob.Waiter(promise: eventLoop.makePromise(), untilAccepted: untilAccepted)
        if let ticket = state.withLock({ $0.join(request.dedupeKey, waiter) }) { return joined(ticket, waiter) }
        do {
            let payload: [UInt8] = try request.serializedBytes()
            let envelope = try Envelope.seal(payload, as: .jobRequest, keyID: keyID, key: key)
            let frames = try Self.frames(envelope, jobID: request.jobID, body: body)
            let job = PendingJob(
                jobID: request.jobID, dedupeKey: request.dedupeKey, correlationID: request.correlationID,
                digest: SHA256.hash(payload), frames: frames, expiresAt: request.expiresAtMs, executor: "",
                originalJobID: request.jobID)
            return hand(job, waiter)
        } catch {
            waiter.promise.fail(error)
            return .failed("\(error)")
        }
    }

    private func joined(_ ticket: Ticket, _ waiter: PendingJob.Waiter) -> Submitted {
        tell(state.withLock { $0.takeSatisfied(ticket.jobID) })
        return .waiting(ticket, waiter.promise.futureResult)
    }

    private func tell(_ satisfied: (jobID: String, promises: [EventLoopPromise<Outcome>])) {
        for promise in satisfied.promises { promise.succeed(.accepted(jobID: satisfied.jobID)) }
    }

    private func hand(_ job: PendingJob, _ waiter: PendingJob.Waiter) -> Submitted {
        enum Placed {
            case on(ExecutorLink, Ticket)
            case joined(Ticket)
            case not(Submitted)
        }
        let placed = state.withLock { state -> Placed in
            // Two deliveries of one event may have been signed at the same time.
            if let ticket = state.join(job.dedupeKey, waiter) { return .joined(ticket) }
            guard let link = state.links.last else { return .not(.unavailable) }
            guard state.pending.count < Self.maximumPending, state.unfinished[link.keyID, default: 0] < link.credit else {
                return .not(.busy)
            }
            state.nextNumber += 1
            var placed = job
            placed.executor = link.keyID
            placed.waiters[state.nextNumber] = waiter
            state.add(placed)
            return .on(link, Ticket(jobID: job.jobID, number: state.nextNumber, joined: false))
        }
        switch placed {
        case .on(let link, let ticket):
            link.send(job.frames)
            return .waiting(ticket, waiter.promise.futureResult)
        case .joined(let ticket): return joined(ticket, waiter)
        case .not(let answer):
            waiter.promise.fail(ChannelError.operationUnsupported)
            return answer
        }
    }

    /// A delivery stops waiting; its job goes on.
    func leave(_ ticket: Ticket) -> Standing {
        let (standing, promise) = state.withLock { state -> (Standing, EventLoopPromise<Outcome>?) in
            let promise = state.pending[ticket.jobID]?.waiters.removeValue(forKey: ticket.number)?.promise
            guard let job = state.pending[ticket.jobID] else { return (.unconfirmed(hasEvent: true), promise) }
            if job.isAccepted { return (.accepted(jobID: job.originalJobID), promise) }
            if job.waiters.isEmpty {
                state.pending[ticket.jobID]?.isGivenUp = true
                if state.inFlight[job.dedupeKey] == ticket.jobID { state.inFlight[job.dedupeKey] = nil }
            }
            return (.unconfirmed(hasEvent: !job.dedupeKey.isEmpty), promise)
        }
        promise?.fail(ChannelError.ioOnClosedChannel)
        return standing
    }

    private static func frames(
        _ envelope: WireSignedEnvelope, jobID: String, body: ByteBuffer?
    ) throws(ProtocolError) -> [[UInt8]] {
        var frames = [try Frames.encode(.with { $0.submit = .with { $0.envelope = envelope } })]
        guard var rest = body else { return frames }
        repeat {
            let chunk = rest.readBytes(length: min(rest.readableBytes, Frames.maximumChunk)) ?? []
            let last = rest.readableBytes == 0
            frames.append(
                try Frames.encode(
                    .with {
                        $0.bodyChunk = .with {
                            $0.jobID = jobID; $0.data = .init(chunk); $0.last = last
                        }
                    }))
        } while rest.readableBytes > 0
        return frames
    }
}

extension JobDesk {
    /// An executor proved itself: it gets the requests it had before, if any. An older connection of the same executor is closed.
    func connected(_ link: ExecutorLink) {
        let (old, frames) = state.withLock { state -> ([ExecutorLink], [[UInt8]]) in
            let old = state.links.filter { $0.keyID == link.keyID }
            state.links.removeAll { $0.keyID == link.keyID }
            state.links.append(link)
            // A new connection begins with all credit: what nobody waits for is the executor's alone.
            for job in state.pending.values
            where job.executor == link.keyID && (job.isGivenUp || job.isAccepted && job.waiters.isEmpty) {
                _ = state.remove(job.jobID)
            }
            let unanswered = state.pending.values.filter { $0.executor == link.keyID }.sorted { $0.jobID < $1.jobID }
            return (old, unanswered.flatMap(\.frames))
        }
        for old in old { old.close() }
        link.send(frames)
        watches.connected(link)
    }

    /// A connection ended; what was handed over on it waits for the executor to come back.
    func disconnected(_ link: ExecutorLink) {
        state.withLock { $0.links.removeAll { $0.id == link.id } }
        watches.disconnected(link)
    }

    /// The executor has made the job durable.
    func accepted(_ jobID: String, original: String, by link: ExecutorLink) {
        tell(
            state.withLock { state in
                guard state.pending[jobID]?.executor == link.keyID else { return (jobID, []) }
                state.pending[jobID]?.isAccepted = true
                state.pending[jobID]?.originalJobID = original.isEmpty ? jobID : original
                return state.takeSatisfied(jobID)
            })
    }

    /// The executor's signed word on a request.
    ///
    /// - Throws: ``ProtocolError`` when it is not signed by a trusted key or not about the request it names.
    func finished(_ envelope: WireSignedEnvelope, by link: ExecutorLink) throws(ProtocolError) {
        let payload = try Envelope.open(envelope, expecting: .jobResult, trusting: trusted)
        let result: WireJobResult
        do {
            result = try WireJobResult(serializedBytes: payload)
        } catch {
            throw .violation("job result cannot be read: \(error)")
        }
        let job = try state.withLock { state throws(ProtocolError) -> PendingJob? in
            guard let job = state.pending[result.jobID] else { return nil }
            guard job.digest == [UInt8](result.requestDigest), job.executor == link.keyID else {
                throw .violation("result for job \(job.jobID) answers another request")
            }
            return state.remove(result.jobID)
        }
        for waiter in job?.waiters.values.map({ $0 }) ?? [] {
            var answer = result
            answer.duplicate = result.duplicate || waiter.isJoined
            waiter.promise.succeed(.finished(answer))
        }
    }

    /// Forgets requests that nobody waits for, that have expired and whose executor is away: a connected one still answers them, and
    /// counts them until then. Called once a second.
    func sweep(now: Int64) {
        state.withLock { state in
            let connected = Set(state.links.map(\.keyID))
            for job in state.pending.values
            where job.waiters.isEmpty && job.expiresAt < now && !connected.contains(job.executor) {
                _ = state.remove(job.jobID)
            }
        }
    }
}
