public import Authentication
internal import JSON

extension AnchoredPattern: ClaimPattern {}

/// What the claims of a token must be.
extension SettingsNode {
    /// Claims that may be asked for.
    public static let maximumClaims = 32
    /// Values in one `one-of` or `contains`.
    public static let maximumClaimValues = 256
    /// Bytes of a claim's name. Claims are called what their issuer calls them, as in `https://example.com/roles`.
    public static let maximumClaimName = 256

    /// The entries of `claims`: a name, or a JSON Pointer into the claims, and its rule.
    func claimDemands() -> [ClaimDemand] {
        let isName = { (text: String) in !text.isEmpty && text.utf8.count <= Self.maximumClaimName }
        let all = entries(named: isName, "1 to \(Self.maximumClaimName) bytes")
        if all.count > Self.maximumClaims { problem("\(all.count) claims, the limit is \(Self.maximumClaims)") }
        return all.compactMap { name, value in
            guard let rule = value.claimRule(depth: 0) else { return nil }
            do throws(JSONError) {
                return try ClaimDemand(name, rule)
            } catch {
                return value.refused("`\(name)` is no JSON Pointer (RFC 6901): \(error.message)")
            }
        }
    }

    private static let ruleKeys = ["equals", "one-of", "pattern", "contains"]

    /// A plain value, or a mapping with one kind of rule.
    private func claimRule(depth: Int) -> ClaimRule? {
        guard isMapping else {
            guard !isList else { return refused("expected a value, or {one-of: […]} or {contains: […]} around the list") }
            return claimValue().map { .equals($0) }
        }
        let rule = mapping(Self.ruleKeys)
        let given = Self.ruleKeys.filter { rule.optional($0).isPresent }
        guard given.count == 1, let kind = given.first else {
            return refused("expected one of {equals: value}, {one-of: [values]}, {pattern: text}, {contains: value}")
        }
        let node = rule.optional(kind)
        switch kind {
        case "equals": return node.claimValue().map { .equals($0) }
        case "one-of": return node.claimValues().map { .oneOf($0) }
        case "pattern": return node.claimPattern()
        default:
            guard depth == 0 else { return node.refused("a list inside a list is not looked into") }
            guard node.isList else { return node.claimRule(depth: 1).map { .contains([$0]) } }
            return node.claimValues().map { .contains($0.map { .equals($0) }) }
        }
    }

    private func claimPattern() -> ClaimRule? {
        guard let text = string(maximumLength: AnchoredPattern.maximumLength) else { return nil }
        do throws(PatternError) {
            return .pattern(try AnchoredPattern(text))
        } catch {
            return refused("\(error)")
        }
    }

    private func claimValues() -> [JSONValue]? {
        guard isList else { return refused("expected a list, as in [a, b]") }
        let nodes = elements()
        guard !nodes.isEmpty else { return refused("at least one value is needed") }
        guard nodes.count <= Self.maximumClaimValues else {
            return refused("\(nodes.count) values, the limit is \(Self.maximumClaimValues)")
        }
        let values = nodes.compactMap { $0.claimValue() }
        return values.count == nodes.count ? values : nil
    }

    /// A value with its type, as YAML 1.2 has it: plain `true`, `false` and whole numbers are such, all else and all that is quoted
    /// is text.
    private func claimValue() -> JSONValue? {
        guard let text = string() else { return nil }
        guard case .scalar(_, isPlain: true) = node?.content else { return .string(text) }
        if text == "true" || text == "false" { return .bool(text == "true") }
        if let number = Int64(text), String(number) == text { return .integer(number) }
        return .string(text)
    }
}
