internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// A job request as it came through the gate: its envelope's signature is good, nothing else is believed yet.
struct Submission: Sendable {
    let envelope: WireSignedEnvelope
    let payload: [UInt8]
    var request: WireJobRequest
    let digest: [UInt8]
    let ingress: String
    let body: [UInt8]?
    /// Set when an operator asks for it, and no ingress.
    var replay: Replay?
    /// Its sender's signature was verified here: ``request`` is what the sender has signed, and not what ``payload`` says.
    var isVerified = false
}

/// Where the answers to one ingress go.
protocol ResultSink: Sendable {
    /// The job is durable: to be signed and sent.
    func accepted(_ acceptance: WireJobAcceptance)
    /// The final word, to be signed and sent.
    func finished(_ result: WireJobResult)
}

/// Somebody who waits for a job: the request that began it, or a duplicate of it.
struct Subscriber: Sendable {
    let request: WireJobRequest
    let digest: [UInt8]
    let sink: any ResultSink

    /// Tells that the job with this id is durable and stands for this request.
    func accept(as jobID: String) {
        sink.accepted(
            .with {
                $0.jobID = request.jobID
                $0.originalJobID = jobID
                $0.requestDigest = .init(digest)
            })
    }

    /// The job's result as the answer to this request.
    func answer(_ result: WireJobResult) -> WireJobResult {
        var answer = result
        answer.jobID = request.jobID
        answer.originalJobID = result.jobID
        answer.requestDigest = .init(digest)
        answer.duplicate = result.jobID != request.jobID
        answer.correlationID = request.correlationID
        return answer
    }
}
