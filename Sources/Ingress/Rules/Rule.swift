internal import JSON
internal import NIOHTTP1

/// What a rule says of a delivery, in Kleene's logic of three values.
enum Verdict: Sendable, Equatable, CaseIterable {
    case holds
    case fails
    /// What the rule is about is missing, or is nothing that can be compared. This never lets a delivery pass, and the opposite of it
    /// is not known either.
    case unknown

    init(_ holds: Bool) { self = holds ? .holds : .fails }

    /// The opposite; not known stays not known.
    var inverted: Verdict {
        switch self {
        case .holds: .fails
        case .fails: .holds
        case .unknown: .unknown
        }
    }

    /// Fails when any fails, else is unknown when any is; holds when all hold.
    static func all(_ verdicts: some Sequence<Verdict>) -> Verdict {
        var result = Verdict.holds
        for verdict in verdicts {
            if verdict == .fails { return .fails }
            if verdict == .unknown { result = .unknown }
        }
        return result
    }

    /// Holds when any holds, else is unknown when any is; fails when all fail.
    static func any(_ verdicts: some Sequence<Verdict>) -> Verdict { all(verdicts.lazy.map(\.inverted)).inverted }
}

/// What a delivery must be to ask for its job: conditions, and groups of rules.
indirect enum Rule: Sendable {
    case all([Rule])
    case any([Rule])
    case not(Rule)
    case condition(RuleCondition)

    /// What the rule says of a delivery. A condition that is not needed is not looked at.
    func verdict(_ delivery: Delivery, _ payload: JSONValue?) -> Verdict {
        switch self {
        case .all(let rules): .all(rules.lazy.map { $0.verdict(delivery, payload) })
        case .any(let rules): .any(rules.lazy.map { $0.verdict(delivery, payload) })
        case .not(let rule): rule.verdict(delivery, payload).inverted
        case .condition(let condition): condition.verdict(delivery, payload)
        }
    }

    /// Any of its conditions, at any depth, is such.
    func contains(_ isSuch: (RuleCondition) -> Bool) -> Bool {
        switch self {
        case .all(let rules), .any(let rules): rules.contains { $0.contains(isSuch) }
        case .not(let rule): rule.contains(isSuch)
        case .condition(let condition): isSuch(condition)
        }
    }
}

/// The rule of a hook, and what becomes of a delivery that does not meet it.
struct DeliveryRule: Sendable {
    /// The answer to a delivery that asks for nothing.
    enum Otherwise: String, Sendable, CaseIterable {
        /// 200 with the status `ignored`: the sender need not send it again.
        case ignore
        /// 403.
        case refuse
    }

    let rule: Rule
    let otherwise: Otherwise
    let readsPayload: Bool
    let readsSourceAddress: Bool

    init(_ rule: Rule, otherwise: Otherwise) {
        self.rule = rule
        self.otherwise = otherwise
        readsPayload = rule.contains { if case .value(let source, _) = $0 { source.isPayload } else { false } }
        readsSourceAddress = rule.contains { if case .sourceAddress = $0 { true } else { false } }
    }

    /// - Throws: the ``Rejection`` for the sender, unless the rule holds.
    func check(_ delivery: Delivery, _ payload: JSONValue?) throws(Rejection) {
        guard rule.verdict(delivery, payload) != .holds else { return }
        switch otherwise {
        case .ignore: throw .ignored
        case .refuse: throw Rejection(.forbidden, "the delivery does not meet the rules of this hook", outcome: "rule")
        }
    }
}
