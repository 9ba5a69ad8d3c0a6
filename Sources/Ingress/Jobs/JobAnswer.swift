internal import FoundationEssentials
internal import JSON
internal import JobProtocol
internal import NIOHTTP1
internal import ProtocolMessages

/// The HTTP answer to what became of a job: design's table of statuses, in one place.
enum JobAnswer {
    /// Seconds in `Retry-After` for what clears by itself soon.
    static let retryAfter = 5

    static func answer(_ result: WireJobResult) -> Answer {
        let (status, headers) = status(of: result)
        var extra = headers
        if result.duplicate, result.status == .succeeded { extra.append(("Idempotency-Replayed", "true")) }
        return .json(status, headers: extra) { write(result, to: &$0) }
    }

    /// The job is durable at the executor and goes on; the sender need not wait.
    static func accepted(jobID: String, correlationID: String, duplicate: Bool) -> Answer {
        var result = WireJobResult()
        result.jobID = jobID
        result.originalJobID = jobID
        result.status = .accepted
        result.correlationID = correlationID
        result.duplicate = duplicate
        return .json(.accepted, headers: [("Location", "/jobs/\(jobID)")]) { write(result, to: &$0) }
    }

    /// What the executor has of a job, for whoever asks after it: 200 with the job's answer, whatever that was to the sender.
    static func stored(_ result: WireJobResult) -> Answer { .json(.ok) { write(result, to: &$0) } }

    /// As the other, of a job that has no result yet.
    static func stored(_ state: WireJobState) -> Answer {
        var result = WireJobResult()
        result.originalJobID = state.jobID
        result.status = state.status
        result.correlationID = state.correlationID.clipped(toBytes: JobLimits.correlationID)
        result.attempts = state.attempts
        return .json(.ok, headers: [("Retry-After", "1")]) { write(result, to: &$0) }
    }

    /// The result as the data of an event: the answer's body, and its status code.
    static func event(_ result: WireJobResult) -> [UInt8] {
        var json = JSONWriter()
        write(result, code: status(of: result).0, to: &json)
        return json.bytes
    }

    /// Handed over, never confirmed, and without an event id that would make sending it again safe.
    static func unconfirmed(jobID: String, correlationID: String) -> Answer {
        var result = WireJobResult()
        result.jobID = jobID
        result.status = .unknown
        result.reason = .outcomeUnknown
        result.error = "the executor did not confirm the job in time; it may have run"
        result.correlationID = correlationID
        return .json(.internalServerError) { write(result, to: &$0) }
    }

    /// The same Idempotency-Key is being worked on (draft-ietf-httpapi-idempotency-key-header section 2.7).
    static func inFlight(jobID: String) -> Answer {
        .problem(
            .conflict, "a delivery with the same key is in flight",
            headers: [("Location", "/jobs/\(jobID)"), ("Retry-After", "\(retryAfter)")])
    }

    private static func status(of result: WireJobResult) -> (HTTPResponseStatus, [(name: String, value: String)]) {
        let soon = [(name: "Retry-After", value: "\(retryAfter)")]
        switch result.status {
        case .succeeded: return (.ok, [])
        case .accepted, .running: return (.accepted, [("Location", "/jobs/\(result.originalJobID)")])
        case .timedOut: return (.gatewayTimeout, [])
        case .unknown, .unspecified, .UNRECOGNIZED: return (.internalServerError, [])
        case .failed, .dead, .refused: break
        }
        switch result.reason {
        case .unreachable, .hostKey, .authentication, .hostUnsuitable: return (.badGateway, [])
        case .policy, .parameter, .replay: return (.unprocessableEntity, [])
        case .token: return (.unauthorized, [("WWW-Authenticate", "Bearer realm=\"sallyport\", error=\"invalid_token\"")])
        case .busy: return (.tooManyRequests, soon)
        case .journal, .expired: return (.serviceUnavailable, soon)
        case .timeout: return (.gatewayTimeout, [])
        case .exitCode, .cancelled, .outcomeUnknown, .notTried, .unspecified, .UNRECOGNIZED: return (.internalServerError, [])
        }
    }

    private static func write(_ result: WireJobResult, code: HTTPResponseStatus? = nil, to json: inout JSONWriter) {
        json.beginObject()
        if let code {
            json.name("statusCode")
            json.int(Int64(code.code))
        }
        json.name("job")
        json.string(result.originalJobID.isEmpty ? result.jobID : result.originalJobID)
        json.name("status")
        json.string(JobNames.name(result.status))
        json.name("reason")
        json.string(JobNames.name(result.reason))
        // The one that decided the job.
        let first = result.destinations.first { $0.status == result.status } ?? result.destinations.first
        json.name("exitCode")
        if let first, first.hasExitCode { json.int(Int64(first.exitCode)) } else { json.null() }
        json.name("stdout")
        json.string(bytes: [UInt8](first?.stdout ?? .init()))
        json.name("stderr")
        json.string(bytes: [UInt8](first?.stderr ?? .init()))
        json.name("error")
        json.string(result.error)
        json.name("correlationId")
        json.string(result.correlationID)
        json.name("attempts")
        json.int(Int64(result.attempts))
        json.name("durationMs")
        json.int(Int64(clamping: result.durationMs))
        json.name("duplicate")
        json.bool(result.duplicate)
        json.name("destinations")
        json.beginArray()
        for destination in result.destinations { write(destination, to: &json) }
        json.endArray()
        json.endObject()
    }

    private static func write(_ destination: WireDestinationResult, to json: inout JSONWriter) {
        json.beginObject()
        json.name("destination")
        json.string(destination.destination)
        json.name("status")
        json.string(JobNames.name(destination.status))
        json.name("reason")
        json.string(JobNames.name(destination.reason))
        json.name("exitCode")
        if destination.hasExitCode { json.int(Int64(destination.exitCode)) } else { json.null() }
        json.name("stdout")
        json.string(bytes: [UInt8](destination.stdout))
        json.name("stderr")
        json.string(bytes: [UInt8](destination.stderr))
        json.name("stdoutBytes")
        json.int(Int64(clamping: destination.stdoutTotal))
        json.name("stderrBytes")
        json.int(Int64(clamping: destination.stderrTotal))
        json.name("error")
        json.string(destination.error)
        json.name("durationMs")
        json.int(Int64(clamping: destination.durationMs))
        if [.timedOut, .unknown].contains(destination.status) || destination.reason == .cancelled {
            json.name("processGone")
            json.bool(destination.groupGone)
        }
        json.endObject()
    }
}
