internal import CYAML

/// A step of a YAML text. Positions are 1-based; columns count characters.
struct YAMLEvent {
    enum Kind {
        case scalar(String, isPlain: Bool)
        case sequenceStart, mappingStart
        case alias
        /// Of a sequence, a mapping or a document; also what begins a stream or a document, where nobody looks.
        case end
        case streamEnd
    }

    let kind: Kind
    let line: Int
    let column: Int
    var hasAnchor = false
    /// As it was written, with `!!` as `tag:yaml.org,2002:`.
    var tag: String?
}

/// What a YAML text cannot be read for. The line and column are 1-based.
struct YAMLError: Error {
    let line: Int
    let column: Int
    let message: String
}

/// The events of one YAML text, by libyaml. Used by one thread.
@safe final class YAMLEvents {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) {
        unsafe input = .allocate(capacity: text.utf8.count)
        _ = unsafe input.initialize(from: text.utf8)
        // libyaml's parser keeps pointers to itself.
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        precondition(unsafe yaml_parser_initialize(parser) == 1, "libyaml has no memory for a parser")
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event; after the end of the stream, its end again.
    func next() throws(YAMLError) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem }
        defer { unsafe yaml_event_delete(&event) }
        func found(_ kind: YAMLEvent.Kind, anchor: UnsafeMutablePointer<UInt8>? = nil, tag: UnsafeMutablePointer<UInt8>? = nil)
            -> YAMLEvent
        {
            unsafe YAMLEvent(
                kind: kind, line: event.start_mark.line + 1, column: event.start_mark.column + 1, hasAnchor: anchor != nil,
                tag: tag.map { unsafe String(cString: $0) })
        }
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let text = unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return unsafe found(
                .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), anchor: scalar.anchor,
                tag: scalar.quoted_implicit == 1 ? nil : scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe found(.sequenceStart, anchor: start.anchor, tag: start.tag)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe found(.mappingStart, anchor: start.anchor, tag: start.tag)
        case YAML_ALIAS_EVENT: return found(.alias)
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return found(.streamEnd)
        default: return found(.end)
        }
    }

    /// Why there is no next event. A byte that may stand in no YAML text has an offset, everything else a line.
    private var problem: YAMLError {
        let parser = unsafe parser.pointee
        let message = "not YAML: " + (unsafe parser.problem.map { unsafe String(cString: $0) } ?? "no memory")
        guard unsafe parser.error == YAML_READER_ERROR else {
            // What is missing at the end is reported behind the last line.
            let lines = unsafe input.count { $0 == 0x0a } + 1
            return unsafe YAMLError(
                line: min(parser.problem_mark.line + 1, lines), column: parser.problem_mark.column + 1, message: message)
        }
        return unsafe YAMLError(
            line: input.prefix(parser.problem_offset).count { $0 == 0x0a } + 1, column: 0, message: message)
    }
}
