internal import Glibc
internal import JSON
public import Logging

/// Writes each event as one line of JSON, with one write(2) a line.
///
/// Field names follow ECS logging: `@timestamp`, `log.level`, `message`, `service.name`; metadata stands beside them.
public struct JSONLogHandler: LogHandler {
    /// Bytes of one metadata value or message; what is longer is cut, with a mark.
    public static let maximumValue = 4096

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
        json.string(Self.timestamp())
        json.name("log.level")
        json.string(event.level.rawValue)
        json.name("message")
        json.string(Self.cut("\(event.message)"))
        json.name("service.name")
        json.string(service)
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            json.name(key)
            json.string(Self.cut("\(value)"))
        }
        json.endObject()
        let line = json.bytes + [0x0a]
        // A reader that does not read must not stop the process: what does not fit into its pipe is lost.
        _ = unsafe write(descriptor, line, line.count)
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= maximumValue ? text : String(decoding: text.utf8.prefix(maximumValue), as: UTF8.self) + "…"
    }

    /// RFC 3339 with milliseconds, UTC.
    static func timestamp() -> String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = unsafe tm()
        unsafe gmtime_r(&now.tv_sec, &parts)
        func pad(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = unsafe "\(pad(Int(parts.tm_year) + 1900, 4))-\(pad(Int(parts.tm_mon) + 1, 2))-\(pad(Int(parts.tm_mday), 2))"
        let time = unsafe "\(pad(Int(parts.tm_hour), 2)):\(pad(Int(parts.tm_min), 2)):\(pad(Int(parts.tm_sec), 2))"
        return "\(date)T\(time).\(pad(now.tv_nsec / 1_000_000, 3))Z"
    }
}
