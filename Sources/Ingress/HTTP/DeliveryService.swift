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
    let refusals: RefusalLog
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
        refusals = RefusalLog(logger, suppressed: metrics.suppressedLines)
        tokens = TokenGate(lookups: metrics.tokenLookups)
    }

    /// No new work is taken, answers still go out.
    var isDraining: Bool { draining.load(ordering: .relaxed) }
    /// Deliveries that wait for their answer.
    var waitingCount: Int { waiting.load(ordering: .relaxed) }
    /// Those that new requests are served with.
    var hooks: [String: Hook] { serving.withLock(\.hooks) }
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
            return .answer(reject(hook, .signature(error), head.headers))
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
            let attempt = intent.request.attempt
            if let met = gate.admit(hook.name, now: MonotonicClock.now()) {
                count(hook, met.outcome)
                return answer(met.answer.spaced(attempt: attempt))
            }
            // The answer gives the place back; a stream does at its end.
            let begun = MonotonicClock.now()
            let reply: (Answer) -> Void = { given in
                let took = MonotonicClock.now() - begun
                self.metrics.duration.with(hook.name).observe(Double(took) / 1e9)
                self.logger.debug(
                    "delivery answered",
                    metadata: [
                        "hook": "\(hook.name)", "job": "\(intent.request.jobID)", "status": "\(given.status.code)",
                        "milliseconds": "\(took / 1_000_000)",
                    ].traced(TraceContext(headers: [intent.request.traceparent])))
                if given.stream == nil { self.gate.leave(hook.name) }
                answer(given.spaced(attempt: attempt))
            }
            if EventStreams.isAsked(reader.head.headers) {
                stream(intent, hook, on: eventLoop, answer: reply)
            } else {
                submit(intent, hook, on: eventLoop, answer: reply)
            }
        } catch {
            answer(reject(hook, error, reader.head.headers))
        }
    }

    private static func verify(_ reader: DeliveryReader) throws(Rejection) {
        do throws(WebhookRefusal) {
            try reader.verify()
        } catch {
            throw .signature(error)
        }
    }

    private static let stopping = Answer.unavailable("the ingress is stopping", retryAfter: JobAnswer.retryAfter)

    private func reject(_ hook: Hook, _ rejection: Rejection, _ headers: HTTPHeaders) -> Answer {
        count(hook, rejection.outcome)
        if let (check, reason) = rejection.failedProof {
            metrics.verificationFailures.with(hook.name, check, reason).increment()
        }
        refusals.write(
            rejection.isIgnored ? .info : .notice, rejection.isIgnored ? "delivery ignored" : "delivery refused",
            hook: hook.name, outcome: rejection.outcome,
            ["detail": "\(rejection.detail)"].traced(TraceContext(headers: headers["traceparent"])))
        return rejection.answer
    }

    func log(_ request: WireJobRequest, _ hook: Hook, joined: Bool) {
        logger.info(
            joined ? "delivery joins its event in flight" : "delivery verified",
            metadata: [
                "hook": "\(hook.name)", "job": "\(request.jobID)", "event": "\(request.eventID)", "attempt": "\(request.attempt)",
                "bytes": "\(request.bodyLength)", "correlation_id": "\(request.correlationID)",
            ].traced(TraceContext(headers: [request.traceparent])))
    }

    /// The delivery's event had a job already.
    func countDuplicate(_ hook: Hook) { metrics.duplicates.with(hook.name).increment() }

    func count(_ hook: Hook, _ outcome: String) { metrics.deliveries.with(hook.name, outcome).increment() }
}
