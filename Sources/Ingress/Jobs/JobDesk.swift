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
        /// The event is in flight as this job, and the waiter asked not to wait for another's. Only who said so learns it.
        case inFlight(jobID: String)
    }

    /// How a waiter wants its answer.
    struct Wish: Sendable {
        /// That the job is durable is all it wants to know.
        var untilAccepted = false
        /// It does not join an event that is in flight (draft-ietf-httpapi-idempotency-key-header section 2.6).
        var neverJoins = false
    }

    /// What submitting comes to at once.
    enum Submitted {
        /// Wait on the future; ``leave(_:)`` when the wait is over before it.
        case waiting(Ticket, EventLoopFuture<Outcome>)
        /// No executor is connected.
        case unavailable
        /// The event is in flight as this job, and the delivery does not join.
        case inFlight(jobID: String)
        /// The event is in flight with another body.
        case contradiction
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

    /// What became of a delivery whose event is in flight.
    private enum Joined {
        case with(Ticket)
        case not(Submitted)
    }

    private struct State {
        var links: [ExecutorLink] = []
        var pending: [String: PendingJob] = [:]
        var inFlight: [String: String] = [:]
        /// Pending requests by executor.
        var unfinished: [String: Int] = [:]
        var nextNumber: UInt64 = 0
        var onConnected: (@Sendable () -> Void)?

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
        mutating func join(_ request: WireJobRequest, _ waiter: PendingJob.Waiter) -> Joined? {
            guard !request.dedupeKey.isEmpty, let jobID = inFlight[request.dedupeKey], let job = pending[jobID] else {
                return nil
            }
            guard job.bodyDigest == [UInt8](request.bodyDigest) else { return .not(.contradiction) }
            guard !waiter.wish.neverJoins else { return .not(.inFlight(jobID: job.originalJobID)) }
            nextNumber += 1
            var waiter = waiter
            waiter.isJoined = true
            pending[jobID]?.waiters[nextNumber] = waiter
            return .with(Ticket(jobID: jobID, number: nextNumber, joined: true))
        }

        /// Puts a waiter to the very same request, which is out already; one that was given up is not any more.
        mutating func attach(_ job: PendingJob, _ waiter: PendingJob.Waiter) -> Ticket? {
            guard pending[job.jobID]?.digest == job.digest else { return nil }
            nextNumber += 1
            pending[job.jobID]?.waiters[nextNumber] = waiter
            pending[job.jobID]?.isGivenUp = false
            return Ticket(jobID: job.jobID, number: nextNumber, joined: false)
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
    /// The one that gets requests cannot reach its journal.
    var journalIsAway: Bool { state.withLock { $0.links.last?.journalIsAway ?? false } }
    /// An executor is connected that can record what it takes.
    var takesJobs: Bool { state.withLock { $0.links.last.map { !$0.journalIsAway } ?? false } }
    /// Requests handed over and unanswered.
    var pendingCount: Int { state.withLock { $0.pending.count } }
    /// Executors connected.
    var linkCount: Int { state.withLock { $0.links.count } }

    /// Signs a request and hands it to an executor, or joins the same event that is in flight.
    func submit(_ request: WireJobRequest, body: ByteBuffer?, _ wish: Wish, on eventLoop: any EventLoop) -> Submitted {
        let waiter = PendingJob.Waiter(promise: eventLoop.makePromise(), wish: wish)
        if let joined = state.withLock({ $0.join(request, waiter) }) { return answer(joined, waiter) }
        do {
            return try hand(sign(request, body: body), waiter)
        } catch {
            waiter.promise.fail(error)
            return .failed("\(error)")
        }
    }

    /// As the other, for a request that is signed already. The very same request that is out still is not sent again.
    func submit(_ signed: SignedRequest, _ wish: Wish, on eventLoop: any EventLoop) -> Submitted {
        let waiter = PendingJob.Waiter(promise: eventLoop.makePromise(), wish: wish)
        do {
            return try hand(signed, waiter)
        } catch {
            waiter.promise.fail(error)
            return .failed("\(error)")
        }
    }

    /// Signs a request with the ingress's key.
    func sign(_ request: WireJobRequest, body: ByteBuffer?) throws -> SignedRequest {
        try SignedRequest(request, body: body, keyID: keyID, key: key)
    }

    /// The event is out at an executor.
    func isInFlight(_ dedupeKey: String) -> Bool {
        !dedupeKey.isEmpty && state.withLock { $0.inFlight[dedupeKey] != nil }
    }

    private func answer(_ joined: Joined, _ waiter: PendingJob.Waiter) -> Submitted {
        switch joined {
        case .with(let ticket):
            tell(state.withLock { $0.takeSatisfied(ticket.jobID) })
            return .waiting(ticket, waiter.promise.futureResult)
        case .not(let answer):
            waiter.promise.fail(ChannelError.operationUnsupported)
            return answer
        }
    }

    private func tell(_ satisfied: (jobID: String, promises: [EventLoopPromise<Outcome>])) {
        for promise in satisfied.promises { promise.succeed(.accepted(jobID: satisfied.jobID)) }
    }

    private func hand(_ signed: SignedRequest, _ waiter: PendingJob.Waiter) throws(ProtocolError) -> Submitted {
        enum Placed {
            case on(ExecutorLink, Ticket)
            case joined(Joined)
        }
        let job = try PendingJob(signed)
        let placed = state.withLock { state -> Placed in
            if let ticket = state.attach(job, waiter) { return .joined(.with(ticket)) }
            // Two deliveries of one event may have been signed at the same time.
            if let joined = state.join(signed.request, waiter) { return .joined(joined) }
            guard let link = state.links.last else { return .joined(.not(.unavailable)) }
            guard state.pending.count < Self.maximumPending, state.unfinished[link.keyID, default: 0] < link.credit else {
                return .joined(.not(.busy))
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
        case .joined(let joined): return answer(joined, waiter)
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
        state.withLock { $0.onConnected }?()
    }

    /// Called, on any thread, after each time that an executor has connected.
    func onConnected(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onConnected = body } }

    /// A connection ended; what was handed over on it waits for the executor to come back.
    func disconnected(_ link: ExecutorLink) {
        state.withLock { $0.links.removeAll { $0.id == link.id } }
        watches.disconnected(link)
    }

    /// The executor's signed word that a job is durable. Without it a delivery is neither answered 202 nor struck from the spool.
    ///
    /// - Throws: ``ProtocolError`` when it is not signed by a trusted key or not about the request it names.
    func accepted(_ envelope: WireSignedEnvelope, by link: ExecutorLink) throws(ProtocolError) {
        let acceptance = try trusted.acceptance(in: envelope)
        let (jobID, original) = (acceptance.jobID, acceptance.originalJobID)
        let strangers = try state.withLock { state throws(ProtocolError) -> [EventLoopPromise<Outcome>] in
            guard let job = state.pending[jobID] else { return [] }
            guard job.digest == [UInt8](acceptance.requestDigest), job.executor == link.keyID, !original.isEmpty else {
                throw .violation("acceptance of job \(job.jobID) answers another request")
            }
            state.pending[jobID]?.isAccepted = true
            state.pending[jobID]?.originalJobID = original
            return original == jobID ? [] : state.pending[jobID]?.takeStrangers() ?? []
        }
        tell(state.withLock { $0.takeSatisfied(jobID) })
        for promise in strangers { promise.succeed(.inFlight(jobID: original)) }
    }

    /// The executor's signed word on a request.
    ///
    /// - Throws: ``ProtocolError`` when it is not signed by a trusted key or not about the request it names.
    func finished(_ envelope: WireSignedEnvelope, by link: ExecutorLink) throws(ProtocolError) {
        let result = try trusted.result(in: envelope)
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
