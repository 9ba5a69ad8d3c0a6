internal import Authentication
internal import JobProtocol
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import Synchronization
internal import Telemetry

/// Routes requests, and takes a verified delivery to its answer.
final class DeliveryService: Sendable {
    /// What a request's head comes to.
    enum Opened {
        case read(DeliveryReader)
        case answer(Answer)
        /// A question to ``jobs``, when the request is complete.
        case ask(JobRoutes.Question)
    }

    private let serving: Mutex<Serving>
    private let proxies: TrustedProxies
    let gate: DeliveryGate
    private let bodies: BodyMemory
    let waiters = WaitingDeliveries()
    let desk: JobDesk
    let jobs: JobRoutes
    let streams: EventStreams
    /// Where deliveries wait for an executor; nil when the settings name none.
    let spool: Spool?
    private let metrics: IngressMetrics
    let logger: Logger
    /// Outlives the hooks: what a token was used for stays known.
    let tokens: TokenGate
    private let draining = Atomic(false)
    let waiting = Atomic(0)

    init(
        hooks: [String: Hook], limits: LimitSettings = LimitSettings(), proxies: TrustedProxies = .none, desk: JobDesk,
        jobs: JobRoutes, streams: EventStreams, spool: Spool? = nil, metrics: IngressMetrics, logger: Logger
    ) {
        let serving = Serving(hooks: hooks, limits: limits)
        self.serving = Mutex(serving)
        self.proxies = proxies
        gate = DeliveryGate(serving.limits.requests, hooks: serving.hookLimits)
        bodies = BodyMemory(limit: serving.limits.requests.bodies)
        self.desk = desk
        self.jobs = jobs
        self.streams = streams
        self.spool = spool
        self.metrics = metrics
        self.logger = logger
        tokens = TokenGate(lookups: metrics.tokenLookups)
    }

    /// No new work is taken, answers still go out.
    var isDraining: Bool { draining.load(ordering: .relaxed) }
    /// Deliveries that wait for their answer.
    var waitingCount: Int { waiting.load(ordering: .relaxed) }
    /// Those that new requests are served with.
    private var hooks: [String: Hook] { serving.withLock(\.hooks) }
    /// Bytes of bodies that are being read.
    var bodyBytes: Int { bodies.count }

    /// Takes no new work from now on.
    func drain() { draining.store(true, ordering: .relaxed) }

    /// Answers who still waits: 202 where the job is durable, 503 where the delivery can be sent again. Call when draining took too
    /// long, on the event loop of the deliveries.
    func endWaits() { waiters.end() }

    /// Serves other hooks and limits from now on. A request whose head was read goes on with the hook it began with.
    func change(to serving: Serving) {
        self.serving.withLock { $0 = serving }
        gate.change(to: serving.limits.requests, hooks: serving.hookLimits)
        bodies.change(to: serving.limits.requests.bodies)
        jobs.change(to: serving.jobReading)
    }

    /// Counts a request that was refused before it was one: too slow, or with too large a head.
    func countRefused(_ reason: String) { metrics.refusedRequests.with(reason).increment() }

    /// Counts a delivery whose body was not read to its end.
    func countOverflow(_ hook: Hook, _ answer: Answer) {
        count(hook, answer.status == .payloadTooLarge ? "too-large" : "body-memory")
    }

    /// Looks at the head alone: the route, the method, the announced length, and all that can be said of the signature without a body.
    ///
    /// - Parameters:
    ///   - peer: the other end of the connection.
    ///   - client: with which the sender proved itself to TLS.
    func open(_ head: HTTPRequestHead, from peer: SocketAddress? = nil, client: ClientCertificate? = nil) -> Opened {
        let path = RequestTarget.path(head.uri)
        if path.hasPrefix(JobRoutes.prefix) { return isDraining ? .answer(Self.stopping) : jobs.open(path, head) }
        guard let route = HookRoute(path) else { return .answer(probe(path, head)) }
        guard let hook = hooks[route.name], route.secret == nil || hook.verification?.usesPath == true else {
            metrics.deliveries.with("", "unknown-hook").increment()
            return .answer(.problem(.notFound, "no such hook"))
        }
        if head.method == .OPTIONS { return .answer(.options("POST")) }
        guard head.method == .POST else {
            count(hook, "method")
            return .answer(.methodNotAllowed("POST"))
        }
        if isDraining {
            count(hook, "draining")
            return .answer(Self.stopping)
        }
        let announced = head.headers.first(name: "content-length").flatMap(Int.init) ?? 0
        guard announced <= hook.maximumBody else {
            count(hook, "too-large")
            return .answer(DeliveryReader.tooLarge(hook))
        }
        do throws(WebhookRefusal) {
            return .read(
                try DeliveryReader(
                    hook: hook, head: head, peer: peer, client: client, memory: bodies, now: WallClock.now() / 1000))
        } catch {
            return .answer(reject(hook, .signature(error)))
        }
    }

    /// Takes a complete request to its answer, which `answer` gets exactly once on `eventLoop`.
    func finish(_ reader: DeliveryReader, on eventLoop: any EventLoop, answer: @escaping (Answer) -> Void) {
        let hook = reader.hook
        do throws(Rejection) {
            try Self.verify(reader)
            var delivery = Delivery(
                headers: reader.head.headers, query: RequestTarget.query(reader.head.uri), body: reader.body,
                receivedAt: WallClock.now())
            delivery.method = reader.head.method.rawValue
            if hook.when?.readsSourceAddress == true {
                delivery.sourceAddress = proxies.source(peer: IPAddress(reader.peer), headers: reader.head.headers)
            }
            let intent = try JobIntent(delivery, for: hook, tokens: tokens)
            if let met = gate.admit(hook.name, now: MonotonicClock.now()) {
                count(hook, met.outcome)
                return answer(met.answer)
            }
            // The answer gives the place back; a stream does at its end.
            let reply: (Answer) -> Void = { given in
                if given.stream == nil { self.gate.leave(hook.name) }
                answer(given)
            }
            if EventStreams.isAsked(reader.head.headers) {
                stream(intent, hook, on: eventLoop, answer: reply)
            } else {
                submit(intent, hook, on: eventLoop, answer: reply)
            }
        } catch {
            answer(reject(hook, error))
        }
    }

    private static func verify(_ reader: DeliveryReader) throws(Rejection) {
        do throws(WebhookRefusal) {
            try reader.verify()
        } catch {
            throw .signature(error)
        }
    }

    private func submit(_ intent: JobIntent, _ hook: Hook, on eventLoop: any EventLoop, answer: @escaping (Answer) -> Void) {
        let request = intent.request
        let wish = JobDesk.Wish(untilAccepted: hook.response == .async, neverJoins: hook.neverJoins(request))
        if hook.spools, let spool {
            return submit(intent, wish, hook, orTo: spool, on: eventLoop, answer: answer)
        }
        place(desk.submit(request, body: intent.body, wish, on: eventLoop), request, hook, nil, on: eventLoop, answer: answer)
    }

    /// What submitting came to, told or waited for. `signed` goes to the spool when there is one.
    func place(
        _ submitted: JobDesk.Submitted, _ request: WireJobRequest, _ hook: Hook, _ signed: SignedRequest?,
        on eventLoop: any EventLoop, answer: @escaping (Answer) -> Void
    ) {
        switch submitted {
        case .waiting(let ticket, let future):
            log(request, hook, joined: ticket.joined)
            wait(ticket, future, request, hook, signed, on: eventLoop, answer: answer)
        case .unavailable where signed != nil && spool != nil:
            keep(signed, hook, on: eventLoop, answer: answer)
        case .unavailable, .inFlight, .contradiction, .failed, .busy: answer(refusal(submitted, hook))
        }
    }

    /// The answer when a request was not handed over.
    func refusal(_ submitted: JobDesk.Submitted, _ hook: Hook) -> Answer {
        switch submitted {
        case .inFlight(let jobID):
            count(hook, "in-flight")
            return JobAnswer.inFlight(jobID: jobID)
        case .contradiction:
            count(hook, "contradiction")
            return .problem(.unprocessableEntity, "the same key is in flight with another body")
        case .unavailable:
            count(hook, "executor-away")
            return .unavailable("no executor is connected", retryAfter: JobAnswer.retryAfter)
        case .failed(let error):
            count(hook, "failed")
            logger.error("request was not handed over", metadata: ["hook": "\(hook.name)", "error": "\(error)"])
            return .problem(.unprocessableEntity, "the parameters are too large for one request")
        case .busy, .waiting:
            count(hook, "busy")
            return .problem(
                .tooManyRequests, "too many jobs are unfinished", headers: [("Retry-After", "\(JobAnswer.retryAfter)")])
        }
    }

    private func wait(
        _ ticket: JobDesk.Ticket, _ future: EventLoopFuture<JobDesk.Outcome>, _ request: WireJobRequest, _ hook: Hook,
        _ signed: SignedRequest?, on eventLoop: any EventLoop, answer: @escaping (Answer) -> Void
    ) {
        waiting.add(1, ordering: .relaxed)
        let limit = hook.response == .sync ? hook.wait : DeliveryService.acceptance
        let bound = NIOLoopBoundBox<((Answer) -> Void)?>(answer, eventLoop: eventLoop)
        let once: @Sendable (String, Answer) -> Void = { outcome, answer in
            guard let reply = bound.value else { return }
            bound.value = nil
            self.waiting.subtract(1, ordering: .relaxed)
            self.waiters.remove(ticket.number)
            self.count(hook, outcome)
            reply(answer)
        }
        let end: @Sendable () -> Void = {
            switch self.desk.leave(ticket) {
            case .accepted(let jobID):
                once("accepted", JobAnswer.accepted(jobID: jobID, correlationID: request.correlationID, duplicate: ticket.joined))
            case .unconfirmed where signed != nil && self.spool != nil:
                self.keep(signed, hook, wasSent: true, on: eventLoop) { outcome, answer in once(outcome, answer) }
            case .unconfirmed(let hasEvent):
                let (outcome, answer) = Self.unconfirmed(request, hasEvent: hasEvent)
                once(outcome, answer)
            }
        }
        let timer = eventLoop.scheduleTask(in: limit, end)
        waiters.add(ticket.number) {
            timer.cancel()
            end()
        }
        future.whenSuccess { outcome in
            timer.cancel()
            switch outcome {
            case .inFlight(let jobID): once("in-flight", JobAnswer.inFlight(jobID: jobID))
            case .finished(let result): once(JobNames.name(result.status), JobAnswer.answer(result))
            case .accepted(let jobID):
                once("accepted", JobAnswer.accepted(jobID: jobID, correlationID: request.correlationID, duplicate: ticket.joined))
            }
        }
    }

    /// The executor did not say in time that it has the job.
    static func unconfirmed(_ request: WireJobRequest, hasEvent: Bool) -> (outcome: String, Answer) {
        guard hasEvent else {
            return ("unknown", JobAnswer.unconfirmed(jobID: request.jobID, correlationID: request.correlationID))
        }
        let detail = "the executor did not confirm the job in time; send it again"
        return ("unconfirmed", .unavailable(detail, retryAfter: JobAnswer.retryAfter))
    }

    private static let stopping = Answer.unavailable("the ingress is stopping", retryAfter: JobAnswer.retryAfter)

    /// How long a delivery to an asynchronous hook waits for the executor to make the job durable.
    static let acceptance = TimeAmount.seconds(5)

    /// Answers what is no hook: health, readiness, or nothing.
    func probe(_ path: Substring, _ head: HTTPRequestHead) -> Answer {
        // RFC 9110 section 9.3.7: the server as a whole.
        if path == "*", head.method == .OPTIONS { return .options("GET, HEAD, POST") }
        guard path == "/healthz" || path == "/readyz" else { return .problem(.notFound, "hooks are at /hooks/{name}") }
        if head.method == .OPTIONS { return .options("GET, HEAD") }
        guard head.method == .GET || head.method == .HEAD else { return .methodNotAllowed("GET, HEAD") }
        if path == "/readyz", isDraining { return .text(.serviceUnavailable, "stopping\n") }
        if path == "/readyz", !desk.isReady {
            guard let spool, spool.takesMore, hooks.values.contains(where: \.spools) else {
                return .text(.serviceUnavailable, "no executor is connected\n")
            }
            return .text(.ok, "no executor is connected; deliveries are spooled\n")
        }
        return .text(.ok, "ok\n")
    }

    private func reject(_ hook: Hook, _ rejection: Rejection) -> Answer {
        count(hook, rejection.outcome)
        logger.log(
            level: rejection.isIgnored ? .info : .notice, rejection.isIgnored ? "delivery ignored" : "delivery refused",
            metadata: ["hook": "\(hook.name)", "outcome": "\(rejection.outcome)", "detail": "\(rejection.detail)"])
        return rejection.answer
    }

    func log(_ request: WireJobRequest, _ hook: Hook, joined: Bool) {
        logger.info(
            joined ? "delivery joins its event in flight" : "delivery verified",
            metadata: [
                "hook": "\(hook.name)", "job": "\(request.jobID)", "event": "\(request.eventID)", "attempt": "\(request.attempt)",
                "bytes": "\(request.bodyLength)", "correlation_id": "\(request.correlationID)",
            ])
    }

    func count(_ hook: Hook, _ outcome: String) { metrics.deliveries.with(hook.name, outcome).increment() }
}
