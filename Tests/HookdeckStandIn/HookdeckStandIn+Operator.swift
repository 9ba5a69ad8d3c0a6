/// What a person does at Hookdeck.
extension HookdeckStandIn {
    /// Delivers an event once more, whatever became of it; an automatic retry that was planned is cancelled.
    public func retry(_ id: String, trigger: HookdeckEvent.Trigger = .manual) {
        state.withLock { state in
            guard state.events[id] != nil else { return }
            state.due.removeAll { $0.event == id }
            state.due.append((now, id, trigger))
            state.events[id]?.nextAttemptAt = now
        }
    }

    /// The same of all events that failed.
    public func retryFailed() {
        for event in events where event.status == .failed { retry(event.id, trigger: .bulkRetry) }
    }

    /// No automatic retries of an event any more.
    public func cancel(_ id: String) {
        state.withLock { state in
            state.due.removeAll { $0.event == id }
            state.events[id]?.nextAttemptAt = nil
            state.events[id]?.status = .cancelled
        }
    }

    /// The request once more, as if it came in again, through the rules of now: a new event with ids of its own.
    public func replay(_ id: String) throws -> String? {
        guard let original = event(id)?.original else { return nil }
        return try receive(original.body, headers: original.headers)
    }

    /// Keeps new events until ``unpause()``.
    public func pause() { state.withLock { $0.isPaused = true } }

    /// Delivers what was kept.
    public func unpause() {
        state.withLock { state in
            state.isPaused = false
            for id in state.order where state.events[id]?.status == .hold {
                state.events[id]?.status = .queued
                state.events[id]?.nextAttemptAt = now
                state.due.append((now, id, .unpause))
            }
        }
    }

    /// Rolls the project's secret: the one until now signs the second header, until ``expirePreviousSecret()``.
    public func rollSecret(to secret: String) { state.withLock { $0.secrets = [secret, $0.secrets[0]] } }

    /// The end of a rotation.
    public func expirePreviousSecret() { state.withLock { $0.secrets = [$0.secrets[0]] } }

    /// Another connection from now on, as after a change of its rules.
    public func change(to connection: HookdeckConnection) { state.withLock { $0.connection = connection } }
}
