import Foundation

/// How an event is delivered, and what follows.
extension HookdeckStandIn {
    /// Begins what is due and may begin; false when it was stopped.
    func dispatch() -> Bool {
        while true {
            let begun = state.withLock { state -> (event: HookdeckEvent, attempt: HookdeckEvent.Attempt)? in
                guard !state.isStopped, hasRoom(&state) else { return nil }
                guard
                    let place = state.due.indices.filter({ state.due[$0].at <= now }).min(by: {
                        state.due[$0].at < state.due[$1].at
                    })
                else { return nil }
                let due = state.due.remove(at: place)
                return begin(due.event, due.trigger, &state)
            }
            guard let begun else { return state.withLock { !$0.isStopped } }
            Thread { [self] in deliver(begun.event, begun.attempt) }.start()
        }
    }

    private func hasRoom(_ state: inout State) -> Bool {
        switch state.connection.limit {
        case .concurrent(let most): return state.inFlight < most
        case .rate(let most, let period):
            state.starts.removeAll { $0 <= now - period }
            return state.starts.count < most && state.inFlight < Self.deliveries
        case nil: return state.inFlight < Self.deliveries
        }
    }

    private func begin(
        _ id: String, _ trigger: HookdeckEvent.Trigger, _ state: inout State
    ) -> (event: HookdeckEvent, attempt: HookdeckEvent.Attempt)? {
        guard var event = state.events[id] else { return nil }
        // A copy of the first attempt has its number.
        let isCopy = trigger == .initial && !event.attempts.isEmpty
        if trigger == .automatic { event.automaticRetries += 1 }
        let number = isCopy ? 1 : (event.attempts.last?.number ?? 0) + 1
        let attempt = HookdeckEvent.Attempt(
            number: number, trigger: trigger, startedAt: now, headers: headers(of: event, number, trigger, state))
        event.attempts.append(attempt)
        event.inFlight += 1
        event.nextAttemptAt = nil
        event.status = .queued
        state.events[id] = event
        state.inFlight += 1
        state.mostInFlight = max(state.mostInFlight, state.inFlight)
        state.starts.append(now)
        return (event, attempt)
    }

    /// The sender's own, then Hookdeck's, in the order in which they were recorded. Of Hookdeck's names the sender's values go nowhere.
    private func headers(
        of event: HookdeckEvent, _ number: Int, _ trigger: HookdeckEvent.Trigger, _ state: State
    ) -> [(name: String, value: String)] {
        let connection = state.connection
        var headers = event.headers.filter {
            let name = $0.name.lowercased()
            return !name.hasPrefix("x-hookdeck-") && !["idempotency-key", "accept", "content-length", "host"].contains(name)
        }
        headers = [("Accept", "application/json, text/plain, */*"), ("Idempotency-Key", event.id)] + headers
        // At delivery, so that a later attempt is signed with the secrets of then.
        for (secret, suffix) in zip(state.secrets, ["", "-2"]) {
            headers.append(("X-Hookdeck-Signature\(suffix)", HookdeckSignature.sign(event.body, secret: secret)))
        }
        headers += [
            ("X-Hookdeck-EventID", event.id), ("X-Hookdeck-RequestID", event.requestID),
            ("X-Hookdeck-Original-IP", "203.0.113.7"), ("X-Hookdeck-Verified", "true"),
            ("X-Hookdeck-Event-URL", "https://dashboard.hookdeck.com/events/\(event.id)"),
            ("X-Hookdeck-Source-Name", connection.source), ("X-Hookdeck-Connection-Name", connection.name),
            ("X-Hookdeck-Destination-Name", connection.destination), ("X-Hookdeck-Attempt-Count", "\(number)"),
            ("X-Hookdeck-Attempt-Trigger", trigger.rawValue),
        ]
        if let retry = connection.retry, event.automaticRetries < min(retry.count, Self.limits.retries) {
            headers.append(("X-Hookdeck-Will-Retry-After", "\(Int(retry.delay(after: event.automaticRetries)))"))
        } else if [.manual, .bulkRetry].contains(trigger) {
            // Left out on the last automatic attempt; recorded as empty on an operator's.
            headers.append(("X-Hookdeck-Will-Retry-After", ""))
        }
        return headers
    }

    private func deliver(_ event: HookdeckEvent, _ attempt: HookdeckEvent.Attempt) {
        let connection = state.withLock { $0.connection }
        let outcome = HTTPExchange.post(
            port: connection.port, path: connection.path, headers: attempt.headers, body: event.body, within: timeout / speed)
        state.withLock { state in
            state.inFlight -= 1
            guard var current = state.events[event.id],
                let place = current.attempts.firstIndex(where: { $0.startedAt == attempt.startedAt && $0.endedAt == nil })
            else { return }
            current.inFlight -= 1
            current.attempts[place].endedAt = now
            switch outcome {
            case .answered(let status, let headers, let body):
                current.attempts[place].status = status
                current.attempts[place].retryAfter = headers.first { $0.name.lowercased() == "retry-after" }?.value
                current.attempts[place].body = body
            case .refused: current.attempts[place].errorCode = "CONNECTION_REFUSED"
            case .brokenOff: current.attempts[place].errorCode = "BAD_RESPONSE"
            case .timedOut: current.attempts[place].errorCode = "TIMEOUT"
            }
            settle(current.attempts[place], &current, &state)
            state.events[event.id] = current
        }
    }

    /// `Retry-After` decides in place of the rule, and needs none; -1 ends it. Else the rule.
    private func settle(_ attempt: HookdeckEvent.Attempt, _ event: inout HookdeckEvent, _ state: inout State) {
        // Of several copies the first answer counts, and what an operator has planned meanwhile stays.
        guard event.status == .queued, event.nextAttemptAt == nil else { return }
        event.status = attempt.isSuccess ? .successful : .failed
        let rule = state.connection.retry
        let wait: Double?
        if !attempt.isSuccess, let text = attempt.retryAfter, let seconds = Double(text) {
            wait = seconds < 0 ? nil : min(seconds, Self.longestRetryAfter)
        } else if let rule, event.automaticRetries < rule.count, rule.covers(attempt.status),
            !attempt.isSuccess || rule.codes != nil
        {
            wait = rule.delay(after: event.automaticRetries)
        } else {
            wait = nil
        }
        if let wait, event.automaticRetries < Self.limits.retries, now + wait < event.createdAt + Self.limits.age {
            event.nextAttemptAt = now + wait
            state.due.append((now + wait, event.id, .automatic))
        } else if !attempt.isSuccess {
            state.issues.insert(
                HookdeckIssue(connection: state.connection.name, status: attempt.status, errorCode: attempt.errorCode))
        }
    }
}
