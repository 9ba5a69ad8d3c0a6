internal import Glibc
internal import JSON
public import Logging
internal import Synchronization

/// Writes each event as one line, with one write(2) a line: JSON, or text for people on a terminal.
///
/// Field names follow ECS logging: `@timestamp`, `log.level`, `message`, `service.name`; metadata stands beside them, sorted. A line has
/// at most ``maximumLine`` bytes: what fits into a pipe as a whole, so that lines of several processes never mix (pipe(7), PIPE_BUF).
/// Control characters are escaped. A reader that does not read never stops the process: the line is dropped and counted.
public struct LineLogHandler: LogHandler {
    /// Bytes of a line.
    public static let maximumLine = 4096
    /// Bytes of one metadata value, escaped; what is longer is cut, with a mark. A message may have twice as many.
    public static let maximumValue = 1024

    private static let droppedLines = Atomic<Int>(0)

    /// Lines that were lost in this process because nobody read them.
    public static var dropped: Int { droppedLines.load(ordering: .relaxed) }

    /// Events below it are not written. Setting it takes this handler away from the threshold that it was made with.
    public var logLevel: Logger.Level {
        get { threshold.level }
        set { threshold = LogThreshold(newValue) }
    }
    /// Written with every event.
    public var metadata: Logger.Metadata = [:]
    private let service: String
    private var threshold: LogThreshold
    private let descriptor: Int32
    private let form: LogForm

    /// A handler for one process.
    ///
    /// - Parameters:
    ///   - descriptor: standard output unless stated.
    ///   - form: what suits the descriptor unless stated.
    public init(service: String, threshold: LogThreshold, descriptor: Int32 = 1, form: LogForm? = nil) {
        self.service = service
        self.threshold = threshold
        self.descriptor = descriptor
        self.form = form ?? .suiting(descriptor)
    }

    /// One value of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one event.
    public func log(event: LogEvent) {
        let line = LogLine(level: event.level, message: "\(event.message)", service: service, values: values(of: event))
        switch form {
        case .json: write(line.json)
        case .text(let isColoured): write(line.text(isColoured: isColoured))
        }
    }

    private func values(of event: LogEvent) -> [(key: String, value: String)] {
        var values = metadata
        if let more = event.metadata { values.merge(more) { $1 } }
        if let error = event.error { values["error.message"] = "\(error)" }
        return values.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
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
