internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import Synchronization
internal import Telemetry

/// Deliveries of hooks that say `when-executor-away: spool`.
extension DeliveryService {
    /// Hands a delivery to the executor or, when none is connected or others of its hook wait already, to the spool.
    func submit(
        _ intent: JobIntent, _ wish: JobDesk.Wish, _ hook: Hook, orTo spool: Spool, on eventLoop: any EventLoop,
        answer: @escaping (Answer) -> Void
    ) {
        let request = intent.request
        let signed: SignedRequest
        do {
            signed = try desk.sign(request, body: intent.body)
        } catch {
            return place(.failed("\(error)"), request, hook, nil, on: eventLoop, answer: answer)
        }
        // An event that is in flight is joined; everything else waits its turn.
        if !desk.isInFlight(request.dedupeKey), spool.holds(hook.name) || !desk.takesJobs {
            return keep(signed, hook, on: eventLoop, answer: answer)
        }
        place(desk.submit(signed, wish, on: eventLoop), request, hook, signed, on: eventLoop, answer: answer)
    }

    /// Keeps a delivery and answers; counts it.
    func keep(_ signed: SignedRequest?, _ hook: Hook, on eventLoop: any EventLoop, answer: @escaping (Answer) -> Void) {
        waiting.add(1, ordering: .relaxed)
        keep(signed, hook, wasSent: false, on: eventLoop) { outcome, reply in
            self.waiting.subtract(1, ordering: .relaxed)
            self.count(hook, outcome)
            answer(reply)
        }
    }

    /// Keeps a delivery; the answer, and the word for it, come on `eventLoop`, and are 202 only when it is durable.
    func keep(
        _ signed: SignedRequest?, _ hook: Hook, wasSent: Bool, on eventLoop: any EventLoop,
        answer: @escaping (String, Answer) -> Void
    ) {
        guard let signed, let spool else {
            return answer("failed", .unavailable("nothing spools", retryAfter: JobAnswer.retryAfter))
        }
        let bound = NIOLoopBound(answer, eventLoop: eventLoop)
        let request = signed.request
        spool.keep(signed, mayBeKnown: wasSent) { kept in
            let (outcome, reply) = self.told(kept, request, hook)
            eventLoop.execute { bound.value(outcome, reply) }
        }
    }

    private func told(_ kept: Spool.Kept, _ request: WireJobRequest, _ hook: Hook) -> (String, Answer) {
        if case .duplicate(let jobID) = kept, jobID != request.jobID { countDuplicate(hook) }
        switch kept {
        case .duplicate(let jobID) where hook.dedupe.basis == .idempotencyKey && jobID != request.jobID:
            return ("in-flight", JobAnswer.inFlight(jobID: jobID))
        case .stored(let jobID), .duplicate(let jobID):
            let isDuplicate = jobID != request.jobID
            logger.info(
                "delivery spooled",
                metadata: [
                    "hook": "\(hook.name)", "job": "\(jobID)", "event": "\(request.eventID)",
                    "correlation_id": "\(request.correlationID)",
                ].traced(TraceContext(headers: [request.traceparent])))
            return (
                "spooled", JobAnswer.accepted(jobID: jobID, correlationID: request.correlationID, duplicate: isDuplicate)
            )
        case .contradiction:
            return ("contradiction", .problem(.unprocessableEntity, "the same key is in flight with another body"))
        case .full:
            refusals.write(.warning, "spool is full; delivery refused", hook: hook.name, outcome: "spool-full")
            return (
                "spool-full", .unavailable("no executor is connected, and the spool is full", retryAfter: JobAnswer.retryAfter)
            )
        case .failed(let error):
            refusals.write(
                .error, "spool cannot be written; delivery refused", hook: hook.name, outcome: "spool-failed",
                ["error": "\(error)"])
            return (
                "spool-failed",
                .unavailable("no executor is connected, and the spool cannot be written", retryAfter: JobAnswer.retryAfter)
            )
        }
    }
}
