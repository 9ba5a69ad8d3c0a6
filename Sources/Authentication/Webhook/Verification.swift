/// What a hook asks of a delivery: a scheme, or several of which all or any must agree.
public indirect enum Verification: Sendable {
    case scheme(any WebhookScheme)
    /// Every part. Without parts nothing passes.
    case all([Verification])
    /// At least one part. Without parts nothing passes.
    case any([Verification])

    /// Looks at the head, before any of the body is read.
    ///
    /// Of `any`, parts that the head already refuses are left out; once a part is proved by the head, nothing else is computed.
    ///
    /// - Parameter now: Unix time in seconds.
    /// - Throws: the refusal when the head alone says that the delivery cannot pass.
    public func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> DeliveryCheck {
        DeliveryCheck(try open(head, now: now))
    }

    private func open(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> DeliveryCheck.Step {
        switch self {
        case .scheme(let scheme):
            switch try scheme.begin(head, now: now) {
            case .proven: return .proven
            case .signature(let check): return .signature(check)
            }
        case .all(let parts):
            guard !parts.isEmpty else { throw .nothing }
            var open: [DeliveryCheck.Step] = []
            for part in parts {
                let step = try part.open(head, now: now)
                if case .proven = step { continue }
                open.append(step)
            }
            return open.isEmpty ? .proven : open.count == 1 ? open[0] : .all(open)
        case .any(let parts):
            var open: [DeliveryCheck.Step] = []
            var refusals: [WebhookRefusal] = []
            for part in parts {
                do throws(WebhookRefusal) {
                    let step = try part.open(head, now: now)
                    if case .proven = step { return .proven }
                    open.append(step)
                } catch {
                    refusals.append(error)
                }
            }
            guard !open.isEmpty else { throw .joined(refusals) }
            return open.count == 1 ? open[0] : .any(open)
        }
    }

    /// Every scheme, in the order of the settings.
    public var schemes: [any WebhookScheme] {
        switch self {
        case .scheme(let scheme): [scheme]
        case .all(let parts), .any(let parts): parts.flatMap(\.schemes)
        }
    }

    /// The scheme whose headers go on to the executor.
    public var forwarded: StandardWebhooks? { schemes.lazy.compactMap { $0 as? StandardWebhooks }.first(where: \.forwards) }

    /// The hook's path may have a secret behind the name.
    public var usesPath: Bool {
        switch self {
        case .scheme(let scheme): scheme.about.usesPath
        case .all(let parts), .any(let parts): parts.contains { $0.usesPath }
        }
    }

    /// What a sender must have, in words.
    public var summary: String { words(isInside: false) }

    private func words(isInside: Bool) -> String {
        switch self {
        case .scheme(let scheme): return scheme.about.summary
        case .all(let parts), .any(let parts):
            guard parts.count != 1 else { return parts[0].words(isInside: isInside) }
            let isAll = if case .all = self { true } else { false }
            let text =
                (isAll ? "both " : "either ") + parts.map { $0.words(isInside: true) }.joined(separator: isAll ? " and " : " or ")
            let plain = parts.count > 2 && isAll ? "all of " + text.dropFirst(5) : text
            return isInside ? "(\(plain))" : plain
        }
    }
}

/// One delivery's verification, fed with the body as it arrives. Used by one task at a time.
public struct DeliveryCheck {
    indirect enum Step {
        case proven
        case signature(SignatureCheck)
        case all([Step])
        case any([Step])
    }

    private let step: Step

    init(_ step: Step) { self.step = step }

    /// Adds bytes of the raw body.
    public func update(_ bytes: some Collection<UInt8>) { Self.update(step, bytes) }

    private static func update(_ step: Step, _ bytes: some Collection<UInt8>) {
        switch step {
        case .proven: break
        case .signature(let check): check.update(bytes)
        case .all(let steps), .any(let steps): for step in steps { update(step, bytes) }
        }
    }

    /// The verdict. Call once.
    ///
    /// - Parameter body: the whole body, of which ``update(_:)`` got the pieces.
    /// - Throws: the refusal.
    public func finish(body: some Collection<UInt8>) throws(WebhookRefusal) { try Self.finish(step, body) }

    private static func finish(_ step: Step, _ body: some Collection<UInt8>) throws(WebhookRefusal) {
        switch step {
        case .proven: break
        case .signature(let check): try check.finish(body: body)
        case .all(let steps): for step in steps { try finish(step, body) }
        case .any(let steps):
            var refusals: [WebhookRefusal] = []
            for step in steps {
                do throws(WebhookRefusal) {
                    return try finish(step, body)
                } catch {
                    refusals.append(error)
                }
            }
            throw .joined(refusals)
        }
    }
}

extension WebhookRefusal {
    /// Nothing was asked for, which is no reason to let anything in.
    static let nothing = WebhookRefusal(scheme: "", reason: .missing, detail: "the hook accepts nothing", challenges: ["None"])

    /// That of several alternatives: missing where all are, else what the first that is there has wrong.
    static func joined(_ refusals: [WebhookRefusal]) -> WebhookRefusal {
        guard let first = refusals.first(where: { $0.reason != .missing }) ?? refusals.first else { return nothing }
        guard refusals.count > 1 else { return first }
        var challenges: [String] = []
        for challenge in refusals.flatMap(\.challenges) where !challenges.contains(challenge) { challenges.append(challenge) }
        let details = refusals.map { $0.scheme.isEmpty ? $0.detail : "\($0.scheme): \($0.detail)" }
        return WebhookRefusal(
            scheme: "", reason: first.reason, detail: "none of the schemes accepts it: " + details.joined(separator: "; "),
            challenges: challenges)
    }
}
