internal import Authentication
internal import Settings

/// Reads `dedupe` of a hook.
extension HookSettings {
    /// What `window` may be. A year is far beyond what a journal keeps by default.
    static let dedupeWindow = Duration.seconds(1) ... .seconds(365 * 86_400)

    /// What the settings say or, when they do not, the strictest that a sender's retries allow: see ``standardBasis(_:_:_:)``.
    static func dedupe(_ hook: SettingsMapping, eventID: ValueSource, verification: Verification?, token: Hook.Token?) -> Dedupe {
        let node = hook.optional("dedupe")
        let dedupe = node.mapping("by", "window", "required")
        let chosen = dedupe.optional("by").choice(Dedupe.Basis.self)
        let basis = chosen ?? standardBasis(eventID, verification, token)
        let window = dedupe.optional("window")
        if window.isPresent, basis != .body { window.problem("a window belongs to `by: body`; the others know no time") }
        let required = dedupe.optional("required")
        if required.isPresent, basis != .idempotencyKey { required.problem("belongs to `by: idempotency-key`") }
        if basis == .idempotencyKey {
            for key in ["event-id", "attempt", "manual-retry"] where hook.optional(key).isPresent {
                hook.optional(key).problem("a hook that takes Idempotency-Key has its event id from there, and no attempts")
            }
        }
        let (seconds, attoseconds) = window.duration(in: dedupeWindow)?.components ?? (0, 0)
        return Dedupe(
            basis: basis, window: seconds * 1000 + attoseconds / 1_000_000_000_000_000, demandsKey: required.bool() ?? true)
    }

    /// Most signatures cover the body alone. An event id that comes from beside it can be forged: the body then decides. Not so with a
    /// token for one delivery, which is used up under the first id.
    private static func standardBasis(_ eventID: ValueSource, _ verification: Verification?, _ token: Hook.Token?) -> Dedupe.Basis
    {
        token?.once != true && eventID.isForgeable(under: verification) ? .body : .eventAndBody
    }
}

extension ValueSource {
    /// Whoever captures one signed body can send it again with another value here.
    fileprivate func isForgeable(under verification: Verification?) -> Bool {
        switch self {
        case .payload, .claim: false
        case .header(let name): verification?.signsBody(without: name) ?? false
        case .query, .literal: verification?.signsBody(without: nil) ?? false
        }
    }
}

extension Hook {
    /// What is one event here, in words, for `check`; and what an operator may not have meant.
    var dedupeWords: [String] {
        let end =
            dedupe.window == 0 ? "as long as the executor's journal keeps it" : "for \(Duration.milliseconds(dedupe.window))"
        var lines =
            switch dedupe.basis {
            case .event: ["  an event runs once; its id with another body is refused"]
            case .eventAndBody: ["  an event runs once; its id with another body is another event"]
            case .body: ["  a body runs once, \(end), whatever its event id; a failed one again"]
            case .idempotencyKey:
                [
                    "  an Idempotency-Key runs once; with another body it is refused"
                        + (dedupe.demandsKey ? ", and so is a delivery without one" : "")
                ]
            }
        if dedupe.basis != .body, dedupe.basis != .idempotencyKey, token?.once != true, eventID.isForgeable(under: verification) {
            lines.append(
                "  warning: the event id is not signed; whoever captures a signed body can run it again under another one")
        }
        if honoursManualRetry, verification?.signsBody(without: nil) == true {
            lines.append("  warning: a manual retry is not signed; whoever captures a signed body can ask for one")
        }
        return lines
    }
}
