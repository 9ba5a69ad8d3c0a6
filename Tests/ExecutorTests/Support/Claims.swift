import Authentication
import ProtocolMessages
import SwiftProtobuf

@testable import Executor

extension Samples {
    /// A claim as the gate makes it of a signed request.
    static func claim(
        _ request: WireJobRequest, at time: Int64 = now, status: WireJobStatus = .accepted, refusal: Refusal? = nil,
        expired: Bool = false, body: [UInt8]? = nil,
        hosts: [String] = ["web-1"], replay: Replay? = nil
    ) throws -> JobClaim {
        let payload: [UInt8] = try request.serializedBytes()
        return JobClaim(
            request: request, payload: payload, keyID: "edge", signature: [1, 2, 3], digest: SHA256.hash(payload),
            ingress: "edge", body: body, hosts: hosts, replay: replay, status: status, refusal: refusal, expired: expired,
            now: time)
    }

    /// A request for an event, under its dedupe key.
    static func event(_ id: String, attempt: UInt32 = 1, _ change: (inout WireJobRequest) -> Void = { _ in }) -> WireJobRequest {
        request {
            $0.eventID = id
            $0.dedupeKey = "key of \(id)"
            $0.attempt = attempt
            change(&$0)
        }
    }

    /// How a job ended.
    static func result(_ request: WireJobRequest, _ status: WireJobStatus, at time: Int64 = now + 1000) -> WireJobResult {
        .with {
            $0.jobID = request.jobID
            $0.status = status
            $0.reason = status == .succeeded ? .unspecified : .exitCode
            $0.error = status == .succeeded ? "" : "exit code 1"
            $0.attempts = 1
            $0.finishedAtMs = time
        }
    }
}

extension ClaimOutcome {
    /// The outcome in a word, with the id of the job that stands for the event.
    var text: String {
        switch self {
        case .claimed: "claimed"
        case .known(let job): "known \(job.id)"
        case .duplicate(let job): "duplicate \(job.id)"
        case .conflict: "conflict"
        case .contradiction(let job): "contradiction \(job.id)"
        case .expired: "expired"
        case .busy(let reason): "busy: \(reason)"
        }
    }
}
