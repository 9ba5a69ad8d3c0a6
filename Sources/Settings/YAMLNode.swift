/// A place in a YAML document, and what stands there. Both positions are 1-based; columns count characters.
struct YAMLNode {
    indirect enum Content {
        /// The text without its quotes; a plain one had none.
        case scalar(String, isPlain: Bool)
        /// In the order of the file; no two keys are the same text.
        case mapping([(key: YAMLNode, value: YAMLNode)])
        case sequence([YAMLNode])
    }

    let content: Content
    let line: Int
    let column: Int

    /// The text of a scalar; nil of anything else.
    var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
}
