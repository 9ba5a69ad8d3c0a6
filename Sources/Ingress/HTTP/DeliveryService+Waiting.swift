internal import JobProtocol
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import Synchronization

/// Deliveries that wait for their job, and how that ends.
extension DeliveryService {
    /// How long a delivery to an asynchronous hook waits for the executor to make the job durable.
    static let acceptance = TimeAmount.seconds(5)

    /// Hands a delivery to the executor, or to the spool, and answers once it is known what becomes of it.
    func submit(_ intent: JobIntent, _ hook: Hook, on eventLoop: any EventLoop, answer: @escaping (Answer) -> Void) {
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
            countDuplicate(hook)
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
            if ticket.joined || outcome.isDuplicate(of: request) { self.countDuplicate(hook) }
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
}

extension JobDesk.Outcome {
    /// What the executor has is the job of another delivery of the same event.
    func isDuplicate(of request: WireJobRequest) -> Bool {
        switch self {
        case .accepted(let jobID): jobID != request.jobID
        case .finished(let result): result.duplicate
        case .inFlight: true
        }
    }
}
