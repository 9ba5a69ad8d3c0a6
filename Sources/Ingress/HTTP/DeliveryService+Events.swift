internal import JobProtocol
internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import Synchronization

/// Deliveries whose sender asks for events: output while the command runs, and the result at last.
extension DeliveryService {
    /// Hands a delivery over and answers with a stream once its job is durable. Whatever comes before that, and a job that is refused, is
    /// answered as without a stream. After the hook's wait the stream ends, and the job goes on; so it does when the sender leaves.
    func stream(_ intent: JobIntent, _ hook: Hook, on eventLoop: any EventLoop, answer: @escaping (Answer) -> Void) {
        let request = intent.request
        // Before anything runs: who asks for events wants no job without them.
        if desk.isReady, !desk.watches.isAnswered { return refuse(.tooOld, hook, answer) }
        guard streams.count < EventStreams.maximum else { return refuse(.busy, hook, answer) }
        let begun = NIODeadline.now()
        // What the spool holds of the hook goes first.
        if hook.spools, spool?.holds(hook.name) == true { return refuse(.away, hook, answer) }
        let wish = JobDesk.Wish(untilAccepted: true, neverJoins: hook.neverJoins(request))
        let submitted = desk.submit(request, body: intent.body, wish, on: eventLoop)
        guard case .waiting(let ticket, let future) = submitted else { return answer(refusal(submitted, hook)) }
        log(request, hook, joined: ticket.joined)
        waiting.add(1, ordering: .relaxed)
        let bound = NIOLoopBoundBox<((Answer) -> Void)?>(answer, eventLoop: eventLoop)
        let follow: @Sendable (String, Bool) -> Void = { jobID, isDuplicate in
            guard let answer = bound.value else { return }
            bound.value = nil
            let asked = EventStreams.Request(jobID: jobID, reader: .all, isDuplicate: isDuplicate)
            self.follow(asked, request, hook, ticket.number, until: begun + hook.wait, on: eventLoop, answer: answer)
        }
        let settle: @Sendable (String, Answer) -> Void = { outcome, given in
            guard let answer = bound.value else { return }
            bound.value = nil
            self.waiters.remove(ticket.number)
            self.waiting.subtract(1, ordering: .relaxed)
            self.count(hook, outcome)
            answer(given)
        }
        let end: @Sendable () -> Void = {
            switch self.desk.leave(ticket) {
            case .accepted(let jobID): follow(jobID, ticket.joined || jobID != request.jobID)
            case .unconfirmed(let hasEvent):
                let (outcome, answer) = Self.unconfirmed(request, hasEvent: hasEvent)
                settle(outcome, answer)
            }
        }
        let timer = eventLoop.scheduleTask(in: Self.acceptance, end)
        waiters.add(ticket.number) {
            timer.cancel()
            end()
        }
        future.whenSuccess { outcome in
            timer.cancel()
            if ticket.joined || outcome.isDuplicate(of: request) { self.countDuplicate(hook) }
            switch outcome {
            case .inFlight(let jobID): settle("in-flight", JobAnswer.inFlight(jobID: jobID))
            case .finished(let result) where result.status == .refused:
                settle(JobNames.name(result.status), JobAnswer.answer(result))
            case .finished(let result): follow(result.originalJobID, result.duplicate || ticket.joined)
            case .accepted(let jobID): follow(jobID, ticket.joined || jobID != request.jobID)
            }
        }
    }

    private func follow(
        _ asked: EventStreams.Request, _ request: WireJobRequest, _ hook: Hook, _ number: UInt64,
        until deadline: NIODeadline, on eventLoop: any EventLoop, answer: @escaping (Answer) -> Void
    ) {
        let timer = NIOLoopBoundBox<Scheduled<Void>?>(nil, eventLoop: eventLoop)
        let end: (WireJobStatus) -> Void = { status in
            timer.value?.cancel()
            self.waiters.remove(number)
            self.waiting.subtract(1, ordering: .relaxed)
            self.gate.leave(hook.name)
            self.count(hook, JobNames.name(status))
        }
        streams.begin(asked, on: eventLoop, onEnd: end) { begun in
            switch begun {
            case .stream(let stream):
                let bound = NIOLoopBound(stream, eventLoop: eventLoop)
                timer.value = eventLoop.scheduleTask(deadline: deadline) { bound.value.expire() }
                self.waiters.add(number) { bound.value.expire() }
                answer(.events(stream, on: eventLoop))
            case .refused:
                // The job is durable all the same.
                self.waiters.remove(number)
                self.waiting.subtract(1, ordering: .relaxed)
                self.count(hook, "accepted")
                answer(
                    JobAnswer.accepted(jobID: asked.jobID, correlationID: request.correlationID, duplicate: asked.isDuplicate))
            }
        }
    }

    private func refuse(_ refusal: EventStreams.Refusal, _ hook: Hook, _ answer: (Answer) -> Void) {
        count(hook, refusal.outcome)
        answer(refusal.answer)
    }
}
