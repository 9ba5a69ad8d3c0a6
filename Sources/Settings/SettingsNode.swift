/// A place in the settings. Readers give nil after they noted what is wrong, so that reading goes on to the next problem.
public struct SettingsNode {
    let node: YAMLNode?
    let file: String
    let line: Int
    let column: Int
    /// Where this is, as in `hooks.github.wait`.
    public let path: String
    let problems: ProblemList

    /// Something stands here.
    public var isPresent: Bool { node != nil }

    /// Notes that something is wrong here.
    public func problem(_ message: String) {
        problems.add(.init(file: file, line: line, column: column, path: path, message: message))
    }

    func child(_ node: YAMLNode?, _ name: String) -> SettingsNode {
        SettingsNode(
            node: node, file: file, line: node?.line ?? line, column: node?.column ?? column,
            path: path.isEmpty ? name : "\(path).\(name)", problems: problems)
    }

    /// A mapping with no other keys than `known`; an unknown one is a problem that names those.
    public func mapping(_ known: String...) -> SettingsMapping { mapping(known) }

    /// As the other, with the keys in a list.
    public func mapping(_ known: [String]) -> SettingsMapping {
        guard let node else { return SettingsMapping(node: self, values: [:]) }
        guard case .mapping(let mapping) = node.content else {
            problem("expected a mapping of " + known.joined(separator: ", "))
            return SettingsMapping(node: self, values: [:])
        }
        var values: [String: SettingsNode] = [:]
        for (key, value) in mapping {
            let name = key.text ?? "?"
            guard known.contains(name) else {
                let place = child(key, name)
                let near = known.min { EditDistance.between($0, name) < EditDistance.between($1, name) }
                let hint = near.flatMap { EditDistance.between($0, name) <= 2 ? "; did you mean `\($0)`?" : nil }
                place.problem("unknown key" + (hint ?? "; known are " + known.joined(separator: ", ")))
                continue
            }
            values[name] = child(value, name)
        }
        return SettingsMapping(node: self, values: values)
    }

    /// The entries of a mapping whose keys are names of the operator's choice, in the order of the file.
    public func entries() -> [(name: String, value: SettingsNode)] { entries(named: Names.isName, Names.rule) }

    /// The entries of a mapping whose keys are variables of an environment (IEEE 1003.1, 3.230).
    public func variables() -> [(name: String, value: SettingsNode)] { entries(named: Names.isVariable, Names.variableRule) }

    func entries(named isName: (String) -> Bool, _ rule: String) -> [(name: String, value: SettingsNode)] {
        guard let node else { return [] }
        guard case .mapping(let mapping) = node.content else {
            problem("expected a mapping of names")
            return []
        }
        return mapping.compactMap { key, value in
            guard let name = key.text, isName(name) else {
                child(key, key.text ?? "?").problem("not a name: \(rule)")
                return nil
            }
            return (name, child(value, name))
        }
    }

    /// The elements of a list.
    public func elements() -> [SettingsNode] {
        guard let node else { return [] }
        guard case .sequence(let sequence) = node.content else {
            problem("expected a list, as in [a, b]")
            return []
        }
        return sequence.enumerated().map { child($1, "\($0 + 1)") }
    }

    /// The text of a scalar, as it was written.
    func scalar(_ expected: String) -> String? {
        guard let node else { return nil }
        guard case .scalar(let text, let isPlain) = node.content else {
            problem("expected \(expected), found a \(isMapping ? "mapping" : "list")")
            return nil
        }
        // What YAML calls null.
        guard !isPlain || !["", "~", "null", "Null", "NULL"].contains(text) else {
            problem("expected \(expected), found nothing")
            return nil
        }
        return text
    }

    /// This is a mapping.
    public var isMapping: Bool { if case .mapping = node?.content { true } else { false } }
    /// This is a mapping with something in it.
    public var hasEntries: Bool { if case .mapping(let mapping) = node?.content { !mapping.isEmpty } else { false } }
    /// This is a list.
    public var isList: Bool { if case .sequence = node?.content { true } else { false } }
}

/// The known keys of a mapping.
public struct SettingsMapping {
    /// The mapping itself, for problems about it as a whole.
    public let node: SettingsNode
    let values: [String: SettingsNode]

    /// What stands at `key`; absent is a problem.
    public func required(_ key: String) -> SettingsNode {
        if let value = values[key] { return value }
        if node.isMapping || !node.isPresent { node.problem("`\(key)` is missing") }
        return node.child(nil, key)
    }

    /// What stands at `key`, perhaps nothing.
    public func optional(_ key: String) -> SettingsNode { values[key] ?? node.child(nil, key) }
}

/// What operators may call things.
enum Names {
    static let variableRule = "letters, digits and `_`, not beginning with a digit, 64 at most"
    static let rule = "letters, digits, `.`, `_` and `-`, beginning with a letter or digit, 64 at most"

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64, isAlphanumeric(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    static func isVariable(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }
}

/// Levenshtein's distance, to guess which key was meant.
enum EditDistance {
    /// Bytes of a text that may be meant for a key; a longer one is not looked at.
    static let maximumLength = 64

    static func between(_ left: String, _ right: String) -> Int {
        guard max(left.utf8.count, right.utf8.count) <= maximumLength else { return .max }
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (i, a) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[right.count]
    }
}
