/// Reads the one document of a YAML text. Refuses what makes a file mean more than it shows: anchors, with which a few lines can grow
/// without bound, tags, the same key twice, a second document.
struct YAMLReader {
    /// Mappings and lists inside one another.
    static let maximumDepth = 100

    private let events: YAMLEvents

    /// The document in `text`; nil when there is nothing in it.
    static func document(in text: String) throws(YAMLError) -> YAMLNode? {
        let reader = YAMLReader(events: YAMLEvents(text))
        // The start of the stream.
        _ = try reader.events.next()
        // The start of the document.
        if case .streamEnd = try reader.events.next().kind { return nil }
        let node = try reader.node(reader.events.next(), depth: 0)
        // The end of the document.
        _ = try reader.events.next()
        let after = try reader.events.next()
        guard case .streamEnd = after.kind else {
            throw YAMLError(after, "not YAML: but found another document")
        }
        return node
    }

    /// The node that begins with `event`.
    private func node(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> YAMLNode {
        guard !event.hasAnchor else {
            throw YAMLError(event, "anchors (`&`) and aliases (`*`) are not supported; write the value again")
        }
        if let tag = event.tag, !tag.hasPrefix("tag:yaml.org,2002:") || tag == "tag:yaml.org,2002:binary" {
            throw YAMLError(event, "the tag \(tag) is not supported")
        }
        guard depth < Self.maximumDepth else {
            throw YAMLError(event, "more than \(Self.maximumDepth) mappings and lists inside one another")
        }
        let content: YAMLNode.Content =
            switch event.kind {
            case .scalar(let text, let isPlain): .scalar(text, isPlain: isPlain)
            case .sequenceStart: .sequence(try elements(depth))
            case .mappingStart: .mapping(try entries(depth))
            // Anchors are refused, so it names none.
            case .alias: throw YAMLError(event, "not YAML: found undefined alias")
            case .end, .streamEnd: throw YAMLError(event, "not YAML: a value is missing")
            }
        return YAMLNode(content: content, line: event.line, column: event.column)
    }

    private func elements(_ depth: Int) throws(YAMLError) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try events.next()
            if case .end = event.kind { return elements }
            elements.append(try node(event, depth: depth + 1))
        }
    }

    private func entries(_ depth: Int) throws(YAMLError) -> [(key: YAMLNode, value: YAMLNode)] {
        var entries: [(key: YAMLNode, value: YAMLNode)] = []
        var first: [String: YAMLNode] = [:]
        var again: Set<String> = []
        while true {
            let event = try events.next()
            if case .end = event.kind { break }
            let key = try node(event, depth: depth + 1)
            entries.append((key, try node(events.next(), depth: depth + 1)))
            guard let name = key.text else { continue }
            if first[name] == nil { first[name] = key } else { again.insert(name) }
        }
        let names = again.sorted()
        if let name = names.first, let key = first[name] {
            throw YAMLError(line: key.line, column: key.column, message: "the same key twice: " + names.joined(separator: ", "))
        }
        return entries
    }
}

extension YAMLError {
    fileprivate init(_ event: YAMLEvent, _ message: String) {
        self.init(line: event.line, column: event.column, message: message)
    }
}
