internal import JSON
internal import Logging

/// An event on its way to a line.
struct LogLine {
    let level: Logger.Level
    let message: String
    let service: String
    /// In the order of the line.
    let values: [(key: String, value: String)]

    private static let reserved: Set<String> = ["@timestamp", "log.level", "message", "service.name", "log.truncated"]
    private static let maximumMessage = 2 * LineLogHandler.maximumValue

    /// As an object, with its newline.
    var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.name("@timestamp")
        json.string(Timestamp.now())
        json.name("log.level")
        json.string(level.rawValue)
        json.name("message")
        json.string(LogText.fitting(message, into: Self.maximumMessage))
        json.name("service.name")
        json.string(LogText.fitting(service, into: 128))
        writeValues(to: &json)
        json.endObject()
        return json.bytes + [0x0a]
    }

    /// As many as fit into the line, and a mark when some did not.
    private func writeValues(to json: inout JSONWriter) {
        let mark = 24
        for (key, value) in values where !Self.reserved.contains(key) {
            let key = LogText.fitting(key, into: 64)
            // Quotes, colon, comma, closing brace and newline.
            let room = LineLogHandler.maximumLine - mark - json.bytes.count - LogText.escapedLength(key) - 8
            guard room >= 32 else {
                json.name("log.truncated")
                json.bool(true)
                return
            }
            json.name(key)
            json.string(LogText.fitting(value, into: min(room, LineLogHandler.maximumValue)))
        }
    }

    /// For people, with its newline: time of day in UTC, level, message, values. The service is left out: a terminal shows one.
    func text(isColoured: Bool) -> [UInt8] {
        func painted(_ text: String, _ color: String) -> String { isColoured ? "\u{1b}[\(color)m\(text)\u{1b}[0m" : text }
        let name = level.rawValue.uppercased()
        var line = painted(String(Timestamp.now().dropFirst(11)), "2") + " "
        line += level >= .warning ? painted(name, level >= .error ? "31" : "33") : name
        line += String(repeating: " ", count: 9 - name.utf8.count)
        line += LogText.fitting(PrintableText.escaping(message), into: Self.maximumMessage)
        for (key, value) in values {
            let value = LogText.word(LogText.fitting(PrintableText.escaping(value), into: LineLogHandler.maximumValue))
            let piece = " " + painted(LogText.fitting(PrintableText.escaping(key), into: 64) + "=", "2") + value
            // The mark of a cut and the newline.
            guard line.utf8.count + piece.utf8.count <= LineLogHandler.maximumLine - 5 else {
                line += " …"
                break
            }
            line += piece
        }
        return Array(line.utf8) + [0x0a]
    }
}
