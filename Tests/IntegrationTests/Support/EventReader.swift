import Foundation
import TestSupport

/// A reader of server-sent events: curl, whose output goes to a file.
final class EventReader {
    /// One event.
    struct Event {
        let name: String
        let id: String
        let json: [String: Any]

        subscript(key: String) -> String? { json[key] as? String }
        var statusCode: Int? { json["statusCode"] as? Int }
        /// The bytes of an output.
        var data: Data {
            if let text = json["text"] as? String { return Data(text.utf8) }
            return (json["base64"] as? String).flatMap { Data(base64Encoded: $0) } ?? Data()
        }
    }

    private let curl: Daemon

    /// Begins to read.
    init(_ path: String, of bed: TestBed, _ arguments: [String] = []) throws {
        let log = bed.folder.appending(path: "events-\(UUID().uuidString)")
        curl = Daemon(
            "/usr/bin/curl", ["-sNi", "--max-time", "60", "http://127.0.0.1:\(bed.httpPort)\(path)"] + arguments, log: log)
        try curl.start()
    }

    deinit { curl.stop(SIGKILL) }

    func stop() { curl.stop(SIGKILL) }

    var text: String { curl.text }
    var isOver: Bool { !curl.isRunning }
    var status: Int { Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0 }

    /// What has come so far.
    var events: [Event] {
        let body = text.components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n")
        return body.components(separatedBy: "\n\n").dropLast().compactMap { block in
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") {
                guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { continue }
                fields[String(line[..<colon])] = String(line[line.index(after: colon)...].drop { $0 == " " })
            }
            guard let name = fields["event"], let data = fields["data"] else { return nil }
            let json = try? JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
            return Event(name: name, id: fields["id"] ?? "", json: json ?? [:])
        }
    }

    var output: String { String(decoding: events.filter { $0.name == "output" }.reduce(Data()) { $0 + $1.data }, as: UTF8.self) }
    var states: [String] { events.filter { $0.name == "state" }.compactMap { $0["status"] } }
    var result: Event? { events.last { $0.name == "result" } }
}

extension TestBed {
    /// Asks for a path with the real curl.
    func get(_ path: String, token: String? = "right", more: [String] = []) throws -> HookAnswer {
        var arguments = ["-s", "-i", "--max-time", "20"]
        if let token { arguments += ["-H", "Authorization: Bearer \(token == "right" ? self.token : token)"] }
        return try Self.parse(Command.run("/usr/bin/curl", arguments + more + ["http://127.0.0.1:\(httpPort)\(path)"]))
    }

    /// Follows a job with a token that is good.
    func follow(_ job: String, _ more: [String] = []) throws -> EventReader {
        try EventReader("/jobs/\(job)/events", of: self, ["-H", "Authorization: Bearer \(token)"] + more)
    }

    /// Posts and reads the answer as events.
    func stream(_ hook: String, event: String? = nil) throws -> EventReader {
        let event = event.map { ["-H", "X-Hookdeck-EventID: \($0)"] } ?? []
        return try EventReader("/hooks/\(hook)", of: self, ["-d", "{}", "-H", "Accept: text/event-stream"] + event)
    }

    /// A job of an asynchronous hook.
    func begin(_ hook: String) throws -> String {
        let answer = try deliver(hook: hook, signature: nil, token: nil)
        guard answer.status == 202, let job = answer["job"], answer.headers["location"] == "/jobs/\(job)" else {
            throw TestBedError("not accepted: \(answer.text)")
        }
        return job
    }
}
