internal import JSON
internal import Settings

/// Reads the rule of a hook.
struct RuleSettings {
    /// Conditions and groups of one hook.
    static let maximumRules = 128
    /// Groups inside one another, with the condition in the innermost.
    static let maximumDepth = 8
    /// Texts of one `one-of`, and ranges of one `source-address`.
    static let maximumChoices = 256
    /// Steps of all patterns of one hook together. With the longest value that is 2^24 steps of an automaton for a delivery.
    static let maximumPatternSteps = 4096

    private static let groups = ["all", "any", "not"]
    private static let sources = ["header", "query", "payload", "claim"]
    private static let others = ["method", "source-address"]
    private static let comparisons = ["equals", "pattern", "one-of", "exists"] + Comparison.Order.allCases.map(\.rawValue)

    /// The hook asks for a token, which has claims.
    private let hasToken: Bool
    private var rules = 0
    private var patternSteps = 0

    /// What stands at `when` and `otherwise` of a hook; nil when there is no rule.
    static func rule(_ hook: SettingsMapping, hasToken: Bool) -> DeliveryRule? {
        let node = hook.optional("when")
        let otherwise = hook.optional("otherwise")
        guard node.isPresent else {
            if otherwise.isPresent { otherwise.problem("there is no `when` that could fail") }
            return nil
        }
        let answer = otherwise.choice(DeliveryRule.Otherwise.self) ?? .ignore
        var reader = RuleSettings(hasToken: hasToken)
        guard let rule = reader.rule(node, depth: 1) else { return nil }
        if reader.rules > maximumRules { node.problem("\(reader.rules) conditions and groups, the limit is \(maximumRules)") }
        if reader.patternSteps > maximumPatternSteps {
            node.problem("the patterns have \(reader.patternSteps) steps together, the limit is \(maximumPatternSteps)")
        }
        return DeliveryRule(rule, otherwise: answer)
    }

    private init(hasToken: Bool) { self.hasToken = hasToken }

    private mutating func rule(_ node: SettingsNode, depth: Int) -> Rule? {
        guard node.isMapping else {
            return node.refused(
                "expected a condition, as in {header: X-GitHub-Event, equals: push}, or a group, as in {all: [a, b]}")
        }
        guard depth <= Self.maximumDepth else { return node.refused("more than \(Self.maximumDepth) levels of groups") }
        rules += 1
        let subjects = Self.groups + Self.sources + Self.others
        let mapping = node.mapping(subjects + Self.comparisons)
        let given = subjects.filter { mapping.optional($0).isPresent }
        guard given.count == 1, let subject = given.first else {
            let found = given.isEmpty ? "none of them" : given.joined(separator: " and ")
            return node.refused("expected one of \(subjects.joined(separator: ", ")), found \(found)")
        }
        let place = mapping.optional(subject)
        if Self.sources.contains(subject) {
            guard let source = HookSettings.source(subject, place, hasToken: hasToken) else { return nil }
            return comparisons(mapping).map { .condition(.value(source, $0)) }
        }
        for name in Self.comparisons where mapping.optional(name).isPresent {
            mapping.optional(name).problem("`\(subject)` is not compared; leave this out")
        }
        switch subject {
        case "all": return members(place, depth).map { .all($0) }
        case "any": return members(place, depth).map { .any($0) }
        case "not": return rule(place, depth: depth + 1).map { .not($0) }
        case "method": return methods(place).map { .condition(.method($0)) }
        default: return networks(place).map { .condition(.sourceAddress($0)) }
        }
    }

    private mutating func members(_ node: SettingsNode, _ depth: Int) -> [Rule]? {
        guard node.isList else { return node.refused("expected a list of rules, as in [{header: X-GitHub-Event, equals: push}]") }
        let elements = node.elements()
        guard !elements.isEmpty else { return node.refused("at least one rule is needed") }
        var rules: [Rule] = []
        for element in elements { if let rule = rule(element, depth: depth + 1) { rules.append(rule) } }
        return rules.count == elements.count ? rules : nil
    }

    /// One comparison, or several of numbers.
    private mutating func comparisons(_ mapping: SettingsMapping) -> [Comparison]? {
        let given = Self.comparisons.filter { mapping.optional($0).isPresent }
        guard !given.isEmpty else {
            return mapping.node.refused("what must it be? Expected one of " + Self.comparisons.joined(separator: ", "))
        }
        guard given.count == 1 || given.allSatisfy({ Comparison.Order(rawValue: $0) != nil }) else {
            return mapping.node.refused("\(given.joined(separator: " and ")) do not go together; write a group of two conditions")
        }
        var comparisons: [Comparison] = []
        for name in given { if let read = comparison(name, mapping.optional(name)) { comparisons.append(read) } }
        return comparisons.count == given.count ? comparisons : nil
    }

    private mutating func comparison(_ name: String, _ node: SettingsNode) -> Comparison? {
        switch name {
        case "equals": return node.text().map { .equals($0) }
        case "exists": return node.bool().map { .exists($0) }
        case "one-of": return choices(node) { $0.text() }.map { .oneOf($0) }
        case "pattern":
            guard let text = node.string(maximumLength: AnchoredPattern.maximumLength) else { return nil }
            do throws(PatternError) {
                let pattern = try AnchoredPattern(text)
                patternSteps += pattern.stepCount
                return .pattern(pattern)
            } catch {
                return node.refused("\(error)")
            }
        default:
            guard let order = Comparison.Order(rawValue: name), let text = node.string(maximumLength: 64) else { return nil }
            guard let bound = DecimalNumber(text) else { return node.refused("expected a number, such as 5 or -2.5") }
            return .number(order, bound, text: text)
        }
    }

    private func choices<T>(_ node: SettingsNode, _ read: (SettingsNode) -> T?) -> [T]? {
        guard node.isList else { return node.refused("expected a list, as in [a, b]") }
        let elements = node.elements()
        guard (1...Self.maximumChoices).contains(elements.count) else {
            return node.refused("\(elements.count) elements, expected 1 to \(Self.maximumChoices)")
        }
        let values = elements.compactMap(read)
        return values.count == elements.count ? values : nil
    }

    private func methods(_ node: SettingsNode) -> [String]? {
        let methods = node.isList ? choices(node) { $0.string() } : node.string().map { [$0] }
        guard let methods else { return nil }
        guard methods == ["POST"] else { return node.refused("hooks take POST and nothing else") }
        return methods
    }

    private func networks(_ node: SettingsNode) -> [IPNetwork]? {
        node.isList ? choices(node) { $0.network() } : node.network().map { [$0] }
    }
}

extension SettingsNode {
    /// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
    func network() -> IPNetwork? {
        guard let text = string(maximumLength: 64) else { return nil }
        return IPNetwork(text) ?? refused("expected a range of addresses with no bit set beyond its length, such as 10.0.0.0/8")
    }

    /// Proxies whose `X-Forwarded-For` is believed.
    func trustedProxies() -> TrustedProxies {
        let nodes = elements()
        if nodes.count > TrustedProxies.maximumNetworks {
            problem("\(nodes.count) ranges, the limit is \(TrustedProxies.maximumNetworks)")
        }
        let networks = nodes.compactMap { node -> IPNetwork? in
            guard let network = node.network() else { return nil }
            return network.isEverybody ? node.refused("this believes whoever connects; name the proxies") : network
        }
        return TrustedProxies(networks: networks)
    }
}
