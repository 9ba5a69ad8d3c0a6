internal import JobProtocol
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import Synchronization
internal import Telemetry

/// `GET /jobs/{id}` and `GET /jobs/{id}/events`: what became of a job, for whoever has a token for it.
final class JobRoutes: Sendable {
    /// A question whose token is good.
    struct Question {
        let jobID: String
        let wantsEvents: Bool
        let isHead: Bool
        let reader: JobReader
        /// What the reader had before its connection broke.
        let lastEventID: String?
    }

    private let rule: Mutex<JobReadRule?>
    private let readers = WaitingDeliveries()
    private let numbers = Atomic<UInt64>(0)
    private let watches: JobWatches
    private let streams: EventStreams
    private let metrics: IngressMetrics
    private let refusals: RefusalLog

    init(rule: JobReadRule?, watches: JobWatches, streams: EventStreams, metrics: IngressMetrics, logger: Logger) {
        self.rule = Mutex(rule)
        self.watches = watches
        self.streams = streams
        self.metrics = metrics
        refusals = RefusalLog(logger, suppressed: metrics.suppressedLines)
    }

    static let prefix = "/jobs/"

    /// Lets others ask from now on. Streams that are open go on, for an hour at most.
    func change(to rule: JobReadRule?) { self.rule.withLock { $0 = rule } }

    /// Ends the streams of readers, who come back to whoever serves then with what they have read. Call on their event loop.
    func endStreams() { readers.end() }

    /// Looks at the head alone: route, method and token. A body is of no meaning here (RFC 9110 section 9.3.1).
    func open(_ path: Substring, _ head: HTTPRequestHead) -> DeliveryService.Opened {
        guard let rule = rule.withLock({ $0 }) else {
            return refused(
                "not-set", .problem(.notFound, "jobs cannot be read here; `jobs: {token: …}` in the settings opens this"))
        }
        let parts = path.dropFirst(Self.prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        guard let id = parts.first, parts.count == 1 || parts.count == 2 && parts[1] == "events" else {
            return refused("not-found", .problem(.notFound, "jobs are at /jobs/{id} and /jobs/{id}/events"))
        }
        if head.method == .OPTIONS { return .answer(.options("GET, HEAD")) }
        guard head.method == .GET || head.method == .HEAD else { return refused("method", .methodNotAllowed("GET, HEAD")) }
        let reader: JobReader
        do throws(Rejection) {
            reader = try rule.reader(head.headers, now: WallClock.now() / 1000)
        } catch {
            refusals.write(.notice, "question about a job refused", outcome: error.outcome, ["detail": "\(error.detail)"])
            return refused(error.outcome, error.answer)
        }
        guard JobID.isOne(id) else { return refused("not-found", EventStreams.Refusal.notFound.answer) }
        return .ask(
            Question(
                jobID: String(id), wantsEvents: parts.count == 2, isHead: head.method == .HEAD, reader: reader,
                lastEventID: head.headers.first(name: "last-event-id")))
    }

    private func refused(_ outcome: String, _ answer: Answer) -> DeliveryService.Opened {
        count(outcome)
        return .answer(answer)
    }

    /// Takes a question to its answer, which `answer` gets exactly once on `eventLoop`, later.
    func answer(_ question: Question, on eventLoop: any EventLoop, _ answer: @escaping (Answer) -> Void) {
        guard question.wantsEvents, !question.isHead else { return look(question, on: eventLoop, answer) }
        // Whoever has had the result needs no more; this is how a reader is told not to come back.
        if let id = question.lastEventID, EventPlace.isFinal(id) {
            count("events-over")
            return answer(Answer(status: .noContent, headers: [], body: []))
        }
        let request = EventStreams.Request(
            jobID: question.jobID, reader: question.reader, place: question.lastEventID.flatMap { EventPlace(id: $0) })
        let number = numbers.add(1, ordering: .relaxed).newValue
        streams.begin(request, on: eventLoop, onEnd: { _ in self.readers.remove(number) }) { begun in
            switch begun {
            case .stream(let stream):
                self.count("events")
                let bound = NIOLoopBound(stream, eventLoop: eventLoop)
                self.readers.add(number) { bound.value.leave() }
                answer(.events(stream, on: eventLoop))
            case .refused(let refusal):
                self.count(refusal.outcome)
                answer(refusal.answer)
            }
        }
    }

    /// Asks once how a job is.
    private func look(_ question: Question, on eventLoop: any EventLoop, _ answer: @escaping (Answer) -> Void) {
        let reply = NIOLoopBoundBox<((Answer) -> Void)?>(answer, eventLoop: eventLoop)
        let once: @Sendable (String, Answer) -> Void = { outcome, answer in
            guard let give = reply.value else { return }
            reply.value = nil
            self.count(outcome)
            give(answer)
        }
        let refuse: @Sendable (EventStreams.Refusal) -> Void = { once($0.outcome, $0.answer) }
        let (reader, isStream) = (question.reader, question.wantsEvents)
        let state = NIOLoopBoundBox<WireJobState?>(nil, eventLoop: eventLoop)
        let opened = watches.open(question.jobID, follows: false, on: eventLoop) { event in
            if case .state(let now, _) = event { return state.value = now }
            // A job of another hook is not there for this reader.
            guard let known = state.value, reader.mayRead(hook: known.hook) else {
                return refuse(event.isUnavailable ? .away : .notFound)
            }
            switch event {
            case .finished where isStream, .unfinished where isStream: once("head", .streamHead)
            case .finished(let result, _, _): once("found", JobAnswer.stored(result))
            case .unfinished: once("found", JobAnswer.stored(known))
            case .notFound: refuse(.notFound)
            case .unavailable, .output, .state: refuse(.away)
            }
        }
        switch opened {
        case .watching(let handle):
            let timer = eventLoop.scheduleTask(in: EventStreams.patience) {
                guard reply.value != nil else { return }
                self.watches.close(handle)
                refuse(.away)
            }
            let answered = reply.value
            reply.value = { given in
                timer.cancel()
                answered?(given)
            }
        case .away: refuse(.away)
        case .tooOld: refuse(.tooOld)
        case .full: refuse(.busy)
        }
    }

    private func count(_ outcome: String) { metrics.questions.with(outcome).increment() }
}

extension JobWatches.Event {
    fileprivate var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
}

extension Answer {
    /// What every stream of events begins with. The last header tells nginx to hand on each event at once.
    private static let eventHeaders = [(name: "Content-Type", value: "text/event-stream"), ("X-Accel-Buffering", "no")]

    /// An answer whose body is a stream of events.
    static func events(_ stream: EventStream, on eventLoop: any EventLoop) -> Answer {
        Answer(status: .ok, headers: eventHeaders, body: [], stream: NIOLoopBound(stream, eventLoop: eventLoop))
    }

    /// The head of one, for HEAD.
    static var streamHead: Answer { Answer(status: .ok, headers: eventHeaders, body: [], isStreamHead: true) }
}
