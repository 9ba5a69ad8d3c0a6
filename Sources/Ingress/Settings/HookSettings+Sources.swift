internal import Authentication
internal import JSON
internal import Settings

/// Where values of a delivery come from.
extension HookSettings {
    private static let kinds = ["payload", "header", "query", "claim", "literal"]

    /// A source, as in `{payload: /after}`; nil when nothing stands there.
    ///
    /// - Parameter hasToken: the hook asks for a token, which has claims.
    static func source(_ node: SettingsNode, hasToken: Bool) -> ValueSource? {
        guard node.isPresent else { return nil }
        return source(node, node.isMapping ? node.mapping(kinds) : nil, hasToken: hasToken)
    }

    /// A source that may have a `default` besides.
    static func parameter(_ name: String, _ node: SettingsNode, hasToken: Bool) -> HookParameter? {
        let place = node.isMapping ? node.mapping(kinds + ["default"]) : nil
        let fallback = place?.optional("default")
        guard let source = source(node, place, hasToken: hasToken) else { return nil }
        if case .literal = source {
            fallback.map { if $0.isPresent { $0.problem("a literal is never missing; leave this out") } }
        }
        return HookParameter(name: name, source: source, fallback: fallback?.text())
    }

    private static func source(_ node: SettingsNode, _ place: SettingsMapping?, hasToken: Bool) -> ValueSource? {
        let given = kinds.filter { place?.optional($0).isPresent ?? false }
        guard let place, given.count == 1, let kind = given.first else {
            return node.refused(
                "expected one of {payload: /pointer}, {header: Name}, {query: name}, {claim: name}, {literal: text}")
        }
        return source(kind, place.optional(kind), hasToken: hasToken)
    }

    /// The source of that kind: `text` is a pointer, a name or the value itself.
    static func source(_ kind: String, _ node: SettingsNode, hasToken: Bool) -> ValueSource? {
        guard let text = node.text() else { return nil }
        switch kind {
        case "payload": return pointer(text, node).map { .payload($0, text: text) }
        case "header":
            return HeaderToken.isToken(text) ? .header(text) : node.refused("not a header's name (RFC 9110 section 5.1)")
        case "query": return text.isEmpty ? node.refused("a query parameter has a name") : .query(text)
        case "claim":
            guard hasToken else { return node.refused("this hook has no `token`, so there is no claim") }
            guard !text.isEmpty else { return node.refused("a claim has a name") }
            return pointer(text.hasPrefix("/") ? text : "/" + escaped(text), node).map { .claim($0, text: text) }
        default: return .literal(text)
        }
    }

    private static func pointer(_ text: String, _ node: SettingsNode) -> JSONPointer? {
        do throws(JSONError) {
            return try JSONPointer(text)
        } catch {
            return node.refused(error.message)
        }
    }

    /// RFC 6901 section 3. A name such as `https://ci.example/role` is one step, not several.
    private static func escaped(_ name: String) -> String {
        name.unicodeScalars.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
    }
}
