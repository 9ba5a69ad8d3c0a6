internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import Synchronization
internal import Telemetry

/// The streams of events that are open, and how one begins: only when the executor has said that there is such a job, so that everything
/// else can be an ordinary answer.
final class EventStreams: Sendable {
    /// Streams open at once; the rest of ``WatchLimits/watches`` is for single questions.
    static let maximum = 256
    /// How long an executor may take to say whether there is such a job.
    static let patience = TimeAmount.seconds(5)

    /// Why there is no stream.
    enum Refusal: Equatable {
        /// No executor is connected, or it cannot say.
        case away
        /// No executor that answers questions is connected.
        case tooOld
        /// Too many streams or questions are open.
        case busy
        /// There is no such job, or not for this reader.
        case notFound

        /// What the reader is told.
        var answer: Answer {
            switch self {
            case .away: .unavailable("no executor answers for this job now", retryAfter: JobAnswer.retryAfter)
            case .tooOld: .problem(.notImplemented, "the connected executor is too old to be asked about jobs; upgrade it")
            case .busy:
                .problem(
                    .tooManyRequests, "too many questions about jobs are open",
                    headers: [("Retry-After", "\(JobAnswer.retryAfter)")])
            case .notFound: .problem(.notFound, "no such job")
            }
        }

        /// The word for metrics.
        var outcome: String {
            switch self {
            case .away: "executor-away"
            case .tooOld: "executor-too-old"
            case .busy: "busy"
            case .notFound: "not-found"
            }
        }
    }

    /// What asking for a stream comes to.
    enum Begun {
        case stream(EventStream)
        case refused(Refusal)
    }

    /// Who reads what.
    struct Request {
        let jobID: String
        let reader: JobReader
        var place: EventPlace?
        /// The delivery is not the one that began the job.
        var isDuplicate = false
    }

    private let watches: JobWatches
    private let metrics: IngressMetrics
    private let open = Atomic(0)

    init(watches: JobWatches, metrics: IngressMetrics) {
        self.watches = watches
        self.metrics = metrics
    }

    /// Streams open now.
    var count: Int { open.load(ordering: .relaxed) }

    /// The sender or reader asks for events (RFC 9110 section 12.5.1; a weight of nothing refuses them).
    static func isAsked(_ headers: HTTPHeaders) -> Bool {
        headers[canonicalForm: "accept"].contains { range in
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard parts.first == "text/event-stream" else { return false }
            return !parts.dropFirst().contains { $0.hasPrefix("q=0") && $0.dropFirst(3).allSatisfy { $0 == "." || $0 == "0" } }
        }
    }

    private enum Phase {
        case asking((Begun) -> Void, Scheduled<Void>?)
        case streaming(EventStream)
        case over
    }

    /// Begins to follow a job; `done` is called once, later, on `eventLoop`, which is the current one. A stream that was handed over is
    /// attached or told that its reader left.
    ///
    /// - Parameter onEnd: how the job stood when a stream that had begun ended.
    func begin(
        _ request: Request, on eventLoop: any EventLoop, onEnd: @escaping (WireJobStatus) -> Void, done: @escaping (Begun) -> Void
    ) {
        let phase = NIOLoopBoundBox(Phase.asking(done, nil), eventLoop: eventLoop)
        let end = NIOLoopBound(onEnd, eventLoop: eventLoop)
        let handle = NIOLoopBoundBox<UInt64>(0, eventLoop: eventLoop)
        guard open.add(1, ordering: .relaxed).newValue <= Self.maximum else {
            open.subtract(1, ordering: .relaxed)
            return later(.refused(.busy), phase, eventLoop)
        }
        let opened = watches.open(request.jobID, follows: true, after: request.place, on: eventLoop) { event in
            switch (phase.value, event) {
            case (.streaming(let stream), _): stream.receive(event)
            case (.asking, .state(let state, let place)) where request.reader.mayRead(hook: state.hook):
                let stream = EventStream(
                    handle.value, of: self.watches, state: state, at: place, isDuplicate: request.isDuplicate,
                    eventLoop: eventLoop,
                    dropped: { self.metrics.droppedOutput.increment(by: $0) },
                    onEnd: { status in
                        self.open.subtract(1, ordering: .relaxed)
                        end.value(status)
                    })
                self.settle(phase, .streaming(stream), .stream(stream))
            case (.asking, .state), (.asking, .notFound):
                self.watches.close(handle.value)
                self.giveUp(phase, .notFound)
            case (.asking, _): self.giveUp(phase, .away)
            case (.over, _): break
            }
        }
        switch opened {
        case .watching(let number):
            handle.value = number
            let timer = eventLoop.scheduleTask(in: Self.patience) {
                guard case .asking = phase.value else { return }
                self.watches.close(number)
                self.giveUp(phase, .away)
            }
            phase.value = .asking(done, timer)
        case .away: giveUp(phase, .away, later: eventLoop)
        case .tooOld: giveUp(phase, .tooOld, later: eventLoop)
        case .full: giveUp(phase, .busy, later: eventLoop)
        }
    }

    private func giveUp(_ phase: NIOLoopBoundBox<Phase>, _ refusal: Refusal, later eventLoop: (any EventLoop)? = nil) {
        open.subtract(1, ordering: .relaxed)
        if let eventLoop { later(.refused(refusal), phase, eventLoop) } else { settle(phase, .over, .refused(refusal)) }
    }

    private func later(_ begun: Begun, _ phase: NIOLoopBoundBox<Phase>, _ eventLoop: any EventLoop) {
        let bound = NIOLoopBound(begun, eventLoop: eventLoop)
        eventLoop.execute { self.settle(phase, .over, bound.value) }
    }

    private func settle(_ phase: NIOLoopBoundBox<Phase>, _ next: Phase, _ begun: Begun) {
        guard case .asking(let done, let timer) = phase.value else { return }
        timer?.cancel()
        phase.value = next
        done(begun)
    }
}
