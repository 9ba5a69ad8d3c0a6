internal import Authentication
internal import JSON
internal import JobProtocol
internal import NIOHTTP1
internal import ProtocolMessages

/// What a reader of a job's events is told, not yet written.
enum JobEvent: Sendable {
    /// Where the job is.
    case state(WireJobState, EventPlace)
    /// The wait of the delivery has ended before its job: what the answer would have been.
    case pending(WireJobState, EventPlace)
    /// Output, or with no bytes the mark that `dropped` bytes are missing here.
    case output(destination: String, stream: WireStream, data: [UInt8], dropped: UInt64, EventPlace)
    /// The job's end.
    case result(WireJobResult, EventPlace)
    /// Why there is no more, for people.
    case comment(String)

    /// As text.
    var bytes: [UInt8] {
        switch self {
        case .state(let state, let place):
            return EventText.event("state", id: place.id, data: Self.json(state))
        case .pending(let state, let place):
            return EventText.event("state", id: place.id, data: Self.json(state, status: .accepted))
        case .output(let destination, let stream, let data, let dropped, let place):
            return EventText.event("output", id: place.id, data: Self.json(destination, stream, data, dropped: dropped))
        case .result(let result, let place):
            return EventText.event("result", id: place.finalID, data: JobAnswer.event(result))
        case .comment(let text): return EventText.comment(text)
        }
    }

    private static func json(_ state: WireJobState, status: HTTPResponseStatus? = nil) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        if let status {
            json.name("statusCode")
            json.int(Int64(status.code))
            json.name("location")
            json.string("/jobs/\(state.jobID)")
        }
        json.name("job")
        json.string(state.jobID)
        json.name("status")
        json.string(JobNames.name(state.status))
        json.name("attempts")
        json.int(Int64(state.attempts))
        json.name("correlationId")
        json.string(state.correlationID.clipped(toBytes: JobLimits.correlationID))
        json.endObject()
        return json.bytes
    }

    /// Bytes that are UTF-8 stand in `text`, others in `base64`: nothing is lost, and nothing in them can end a line.
    private static func json(_ destination: String, _ stream: WireStream, _ data: [UInt8], dropped: UInt64) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        if dropped > 0 {
            json.name("dropped")
            json.int(Int64(clamping: dropped))
        }
        if !data.isEmpty {
            json.name("destination")
            json.string(destination)
            json.name("stream")
            json.string(stream == .stderr ? "stderr" : "stdout")
            if let text = String(validating: data, as: UTF8.self) {
                json.name("text")
                json.string(text)
            } else {
                json.name("base64")
                json.string(Base64.encode(data))
            }
        }
        json.endObject()
        return json.bytes
    }
}
