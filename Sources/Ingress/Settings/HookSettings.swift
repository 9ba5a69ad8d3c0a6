internal import Authentication
internal import JobProtocol
internal import NIOCore
internal import Settings

/// Reads one entry of `hooks`.
enum HookSettings {
    /// Bytes of a body: when nothing is said, and at most. GitHub does not deliver more than 25 MB.
    static let bodyLimit = (standard: 1024 * 1024, maximum: 25 * 1024 * 1024)

    static func hook(_ name: String, _ node: SettingsNode) -> Hook? {
        let hook = node.mapping(
            "verify", "token", "when", "otherwise", "payload", "form-field", "job", "parameters", "destination", "identity",
            "event-id",
            "attempt", "manual-retry", "body", "respond",
            "wait",
            "maximum-body", "rate", "concurrency", "dedupe", "when-executor-away")
        let verification = verification(hook.required("verify"))
        if verification?.forwarded != nil, hook.optional("body").bool() != true {
            hook.required("verify").problem("`forward` needs `body: true`: without the body the executor can verify nothing")
        }
        let token = token(hook.optional("token"), isBodySent: hook.optional("body"))
        let job = hook.required("job").name()
        let hasToken = hook.optional("token").isPresent
        let when = RuleSettings.rule(hook, hasToken: hasToken)
        let payload = payload(hook)
        let parameters = hook.optional("parameters").entries().compactMap { parameter($0.name, $0.value, hasToken: hasToken) }
        if parameters.count > JobLimits.parameters {
            hook.optional("parameters").problem("\(parameters.count) parameters, the limit is \(JobLimits.parameters)")
        }
        let wait = hook.optional("wait").duration(in: .milliseconds(100) ... .seconds(300)) ?? .seconds(25)
        let sendsBody = hook.optional("body").bool() ?? false
        let limit = sendsBody ? JobLimits.body : bodyLimit.maximum
        let maximumBody = hook.optional("maximum-body").byteCount(in: 0...limit) ?? bodyLimit.standard
        let destination = source(hook.optional("destination"), hasToken: hasToken)
        let identity = source(hook.optional("identity"), hasToken: hasToken)
        let eventID = source(hook.optional("event-id"), hasToken: hasToken) ?? .header("x-hookdeck-eventid")
        let attempt = source(hook.optional("attempt"), hasToken: hasToken) ?? .header("x-hookdeck-attempt-count")
        let honoursManualRetry = hook.optional("manual-retry").bool() ?? false
        let response = hook.optional("respond").choice(Hook.Response.self) ?? .sync
        let dedupe = dedupe(hook, eventID: eventID, verification: verification, token: token)
        let away = hook.optional("when-executor-away").choice(Hook.WhenAway.self) ?? .refuse
        guard let job else { return nil }
        return Hook(
            name: name, verification: verification, token: token, job: job, when: when,
            payload: payload, parameters: parameters,
            destination: destination, identity: identity,
            eventID: eventID, attempt: attempt, honoursManualRetry: honoursManualRetry, dedupe: dedupe,
            spools: away == .spool, sendsBody: sendsBody, response: response,
            wait: .milliseconds(wait.components.seconds * 1000 + wait.components.attoseconds / 1_000_000_000_000_000),
            maximumBody: maximumBody, limits: limits(hook))
    }
}
