import JSON
import JobProtocol
import ProtocolMessages
import Telemetry

/// A job's record for people and for programs.
enum JobRecordText {
    static func lines(_ record: WireJobRecord) -> [String] {
        var lines = [
            "job          \(record.jobID)", "name         \(record.job)",
            "status       \(Style.state(JobNames.name(record.status)))"
                + (record.reason == .unspecified ? "" : " (\(JobNames.name(record.reason)))"),
        ]
        if !record.error.isEmpty { lines.append("error        \(PrintableText.escaping(record.error))") }
        lines.append("hook         \(PrintableText.escaping(record.hook)) from ingress \(record.ingress)")
        lines.append("event        \(PrintableText.escaping(record.eventID)), attempts \(record.attempt)")
        lines.append("correlation  \(PrintableText.escaping(record.correlationID))")
        lines.append("accepted     \(Timestamp.text(record.acceptedAtMs))")
        if record.nextAttemptMs > 0 {
            lines.append("next         attempt \(record.attempt) at \(Timestamp.text(record.nextAttemptMs))")
        }
        if !record.origin.isEmpty { lines.append("replay of    \(record.origin) by \(PrintableText.escaping(record.operator))") }
        if !record.deadLetter.isEmpty { lines.append("dead letter  \(record.deadLetter)") }
        if record.finishedAtMs > 0 { lines.append("finished     \(Timestamp.text(record.finishedAtMs))") }
        for (name, value) in record.parameters.sorted(by: { $0.key < $1.key }) {
            lines.append("parameter    \(name) = \(PrintableText.escaping(value))")
        }
        for destination in record.destinations { lines += self.lines(destination) }
        if !record.events.isEmpty { lines.append("history") }
        for event in record.events {
            let place = event.destination.isEmpty ? "" : " on \(event.destination)"
            lines.append("  \(Timestamp.text(event.atMs))  \(PrintableText.escaping(event.what))\(place)")
        }
        return lines
    }

    private static func lines(_ destination: WireDestinationResult) -> [String] {
        let code = destination.hasExitCode ? ", exit code \(destination.exitCode)" : ""
        var lines = [
            "on \(destination.destination): \(Style.state(JobNames.name(destination.status)))\(code), \(destination.durationMs) ms"
        ]
        if !destination.error.isEmpty { lines.append("  \(PrintableText.escaping(destination.error))") }
        if destination.status == .timedOut || destination.status == .unknown || destination.reason == .cancelled {
            lines.append("  remote process group: " + (destination.groupGone ? "looked for and gone" : "NOT known to be gone"))
        }
        for (name, bytes, total) in [
            ("stdout", destination.stdout, destination.stdoutTotal), ("stderr", destination.stderr, destination.stderrTotal),
        ] where !bytes.isEmpty {
            lines.append("  \(name) (\(total) bytes):")
            lines.append(PrintableText.escaping(String(decoding: bytes, as: UTF8.self), keepingNewlines: true))
        }
        return lines
    }

    static func json(_ record: WireJobRecord) -> String {
        var json = JSONWriter()
        json.beginObject()
        for (name, value) in [
            ("job", record.jobID), ("name", record.job), ("status", JobNames.name(record.status)),
            ("reason", JobNames.name(record.reason)), ("error", record.error), ("ingress", record.ingress), ("hook", record.hook),
            ("event", record.eventID), ("correlationId", record.correlationID), ("origin", record.origin),
            ("operator", record.operator),
            ("deadLetter", record.deadLetter),
        ] {
            json.name(name)
            json.string(value)
        }
        for (name, value) in [
            ("attempts", Int64(record.attempt)), ("acceptedAtMs", record.acceptedAtMs), ("finishedAtMs", record.finishedAtMs),
            ("nextAttemptMs", record.nextAttemptMs),
        ] {
            json.name(name)
            json.int(value)
        }
        json.name("parameters")
        json.beginObject()
        for (name, value) in record.parameters.sorted(by: { $0.key < $1.key }) {
            json.name(name)
            json.string(value)
        }
        json.endObject()
        json.name("destinations")
        json.beginArray()
        for destination in record.destinations { write(destination, to: &json) }
        json.endArray()
        json.name("history")
        json.beginArray()
        for event in record.events {
            json.beginObject()
            json.name("atMs")
            json.int(event.atMs)
            json.name("what")
            json.string(event.what)
            json.name("destination")
            json.string(event.destination)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private static func write(_ destination: WireDestinationResult, to json: inout JSONWriter) {
        json.beginObject()
        json.name("destination")
        json.string(destination.destination)
        json.name("status")
        json.string(JobNames.name(destination.status))
        json.name("exitCode")
        if destination.hasExitCode { json.int(Int64(destination.exitCode)) } else { json.null() }
        json.name("stdout")
        json.string(bytes: [UInt8](destination.stdout))
        json.name("stderr")
        json.string(bytes: [UInt8](destination.stderr))
        json.name("error")
        json.string(destination.error)
        json.name("durationMs")
        json.int(Int64(clamping: destination.durationMs))
        json.name("processGone")
        json.bool(destination.groupGone)
        json.endObject()
    }
}
