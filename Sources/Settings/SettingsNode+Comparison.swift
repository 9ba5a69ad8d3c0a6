extension SettingsNode {
    /// What stands here, written in one way whatever the layout and the comments: equal texts mean the same settings. Empty when
    /// nothing stands here. Secrets are never part of it, for none stand in settings.
    public var canonicalText: String { node.map(Self.canonical) ?? "" }

    private static func canonical(_ node: YAMLNode) -> String {
        switch node.content {
        case .scalar(let text, _): text.debugDescription
        case .sequence(let sequence): "[" + sequence.map(canonical).joined(separator: ",") + "]"
        case .mapping(let mapping):
            "{" + mapping.map { canonical($0.key) + ":" + canonical($0.value) }.sorted().joined(separator: ",") + "}"
        }
    }
}
