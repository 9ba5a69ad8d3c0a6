internal import Glibc
internal import JSON
public import Logging
internal import Synchronization

/// Writes each event as one line of JSON, with one write(2) a line.
///
/// Field names follow ECS logging: `@timestamp`, `log.level`, `message`, `service.name`; metadata stands beside them, sorted. A line has
/// at most ``maximumLine`` bytes: what fits into a pipe as a whole, so that lines of several processes never mix (pipe(7), PIPE_BUF).
/// Control characters are escaped. A reader that does not read never stops the process: the line is dropped and counted.
public struct JSONLogHandler: LogHandler {
    /// Bytes of a line.
    public static let maximumLine = 4096
    /// Bytes of one metadata value, escaped; what is longer is cut, with a mark. A message may have twice as many.
    public static let maximumValue = 1024

    private static let reserved: Set<String> = ["@timestamp", "log.level", "message", "service.name", "log.truncated"]
    private static let droppedLines = Atomic<Int>(0)

    /// Lines that were lost in this process because nobody read them.
    public static var dropped: Int { droppedLines.load(ordering: .relaxed) }

    /// Events below it are not written.
    public var logLevel: Logger.Level
    /// Written with every event.
    public var metadata: Logger.Metadata = [:]
    private let service: String
    private let descriptor: Int32

    /// A handler for one process; `descriptor` is standard error unless stated.
    public init(service: String, level: Logger.Level = .info, descriptor: Int32 = 2) {
        self.service = service
        logLevel = level
        self.descriptor = descriptor
    }

    /// One value of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one event.
    public func log(event: LogEvent) {
        var json = JSONWriter()
        json.beginObject()
        json.name("@timestamp")
        json.string(Timestamp.now())
        json.name("log.level")
        json.string(event.level.rawValue)
        json.name("message")
        json.string(LogText.fitting("\(event.message)", into: 2 * Self.maximumValue))
        json.name("service.name")
        json.string(LogText.fitting(service, into: 128))
        write(values(of: event), to: &json)
        json.endObject()
        write(json.bytes + [0x0a])
    }

    private func values(of event: LogEvent) -> [(key: String, value: String)] {
        var values = metadata
        if let more = event.metadata { values.merge(more) { $1 } }
        if let error = event.error { values["error.message"] = "\(error)" }
        return values.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    }

    /// As many as fit into the line, and a mark when some did not.
    private func write(_ values: [(key: String, value: String)], to json: inout JSONWriter) {
        let mark = 24
        for (key, value) in values where !Self.reserved.contains(key) {
            let key = LogText.fitting(key, into: 64)
            // Quotes, colon, comma, closing brace and newline.
            let room = Self.maximumLine - mark - json.bytes.count - LogText.escapedLength(key) - 8
            guard room >= 32 else {
                json.name("log.truncated")
                json.bool(true)
                return
            }
            json.name(key)
            json.string(LogText.fitting(value, into: min(room, Self.maximumValue)))
        }
    }

    private func write(_ line: [UInt8]) {
        // The descriptor is shared with other processes, so it cannot be made non-blocking here; poll(2) says whether a line fits.
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&state, 1, 0) == 1, state.revents & Int16(POLLOUT) != 0,
            unsafe Glibc.write(descriptor, line, line.count) == line.count
        else {
            Self.droppedLines.add(1, ordering: .relaxed)
            return
        }
    }
}
