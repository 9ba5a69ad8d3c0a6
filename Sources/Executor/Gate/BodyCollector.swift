internal import Authentication
internal import JobProtocol
internal import ProtocolMessages

/// Puts the bodies together that follow their requests, within limits, and checks each against the digest that was signed.
struct BodyCollector {
    /// Requests that may wait for their body on one connection.
    static let maximumOpen = 64

    private struct Open {
        let envelope: WireSignedEnvelope
        let payload: [UInt8]
        let request: WireJobRequest
        var bytes: [UInt8]
    }

    private var open: [String: Open] = [:]

    /// Begins to wait for a request's body.
    mutating func begin(_ envelope: WireSignedEnvelope, payload: [UInt8], request: WireJobRequest) throws(ProtocolError) {
        guard open.count < Self.maximumOpen else { throw .violation("more than \(Self.maximumOpen) bodies at once") }
        guard open[request.jobID] == nil else { throw .violation("a second body for one job") }
        guard request.bodyLength <= JobLimits.body else {
            throw .violation("body of \(request.bodyLength) bytes, the limit is \(JobLimits.body)")
        }
        open[request.jobID] = Open(envelope: envelope, payload: payload, request: request, bytes: [])
    }

    /// Takes a chunk; returns the whole when it was the last.
    mutating func add(
        _ chunk: WireBodyChunk
    ) throws(ProtocolError) -> (envelope: WireSignedEnvelope, payload: [UInt8], request: WireJobRequest, body: [UInt8])? {
        guard var job = open[chunk.jobID] else { throw .violation("body chunk for a job that waits for none") }
        guard job.bytes.count + chunk.data.count <= Int(job.request.bodyLength) else {
            throw .violation("body longer than the \(job.request.bodyLength) bytes announced")
        }
        job.bytes.append(contentsOf: chunk.data)
        guard chunk.last else {
            open[chunk.jobID] = job
            return nil
        }
        open[chunk.jobID] = nil
        guard job.bytes.count == Int(job.request.bodyLength), SHA256.hash(job.bytes) == [UInt8](job.request.bodyDigest) else {
            throw .violation("body does not match the length and digest that were signed")
        }
        return (job.envelope, job.payload, job.request, job.bytes)
    }
}
