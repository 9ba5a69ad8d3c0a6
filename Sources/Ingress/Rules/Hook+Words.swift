internal import Settings

/// What must be true for a hook's job to be asked for, in words, for `check`.
extension Hook {
    /// One line each, indented.
    var conditionsInWords: [String] {
        var lines: [String] = []
        if let when {
            lines.append("  when")
            lines += when.rule.words.map { "    \($0)" }
            lines.append("    what is missing passes no comparison, and no `not` of one")
            lines.append("  otherwise it is answered " + (when.otherwise == .ignore ? "200 ignored" : "403"))
        } else {
            lines.append("  whatever the delivery says")
        }
        if readsPayload { lines.append("  the body must be \(payload.words); another content type is answered 415") }
        for parameter in parameters {
            let fallback = parameter.fallback.map { ", \($0.debugDescription) when it is missing" } ?? ""
            lines.append("  parameter \(parameter.name) is \(parameter.source.words)\(fallback)")
        }
        return lines
    }
}

extension ValueSource {
    /// As in `header X-GitHub-Event`.
    var words: String {
        switch self {
        case .payload(_, let text): text.isEmpty ? "the whole payload" : "payload \(text)"
        case .header(let name): "header \(name)"
        case .query(let name): "query \(name)"
        case .claim(_, let name): "the token's claim \(name)"
        case .literal(let text): text.debugDescription
        }
    }
}

extension Rule {
    /// One line a condition, groups with what is in them indented.
    var words: [String] {
        switch self {
        case .all(let rules): ["all of"] + rules.flatMap(\.words).map { "  \($0)" }
        case .any(let rules): ["any of"] + rules.flatMap(\.words).map { "  \($0)" }
        case .not(let rule): ["not"] + rule.words.map { "  \($0)" }
        case .condition(let condition): [condition.words]
        }
    }
}

extension RuleCondition {
    /// As in `header X-GitHub-Event is "push"`.
    var words: String {
        switch self {
        case .value(let source, let comparisons): "\(source.words) " + comparisons.map(\.words).joined(separator: " and ")
        case .method(let methods): "the method is " + methods.joined(separator: " or ")
        case .sourceAddress(let networks):
            "the source address is in " + networks.map(\.description).joined(separator: " or ")
        }
    }
}

extension Comparison {
    /// As in `is "push"`.
    var words: String {
        switch self {
        case .equals(let text): "is \(text.debugDescription)"
        case .oneOf(let texts): "is one of " + texts.map(\.debugDescription).joined(separator: ", ")
        case .pattern(let pattern): "matches \(pattern.text)"
        case .exists(let expected): expected ? "is there" : "is not there"
        case .number(let order, _, let text):
            switch order {
            case .atLeast: "is at least \(text)"
            case .atMost: "is at most \(text)"
            case .above: "is above \(text)"
            case .below: "is below \(text)"
            }
        }
    }
}
