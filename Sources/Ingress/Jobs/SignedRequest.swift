internal import Authentication
internal import FoundationEssentials
internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages
internal import SwiftProtobuf

/// A request in its signed envelope, with the body that follows it: the same bytes each time it is handed over, so that the executor
/// sees the same job.
struct SignedRequest: Sendable {
    let request: WireJobRequest
    /// SHA-256 of the signed payload: only a result that names it is an answer.
    let digest: [UInt8]
    let envelope: WireSignedEnvelope
    let body: ByteBuffer?

    /// Signs `request`.
    ///
    /// - Throws: ``AuthenticationError`` when the key cannot sign, or SwiftProtobuf's error.
    init(_ request: WireJobRequest, body: ByteBuffer?, keyID: String, key: Ed25519PrivateKey) throws {
        let payload: [UInt8] = try request.serializedBytes()
        self.request = request
        self.body = body
        digest = SHA256.hash(payload)
        envelope = try Envelope.seal(payload, as: .jobRequest, keyID: keyID, key: key)
    }

    /// Takes one that was signed before.
    ///
    /// - Throws: ``ProtocolError`` when the signature is not by one of `keys`, or the payload is no request.
    init(_ envelope: WireSignedEnvelope, body: ByteBuffer?, signedBy keys: TrustedKeys) throws {
        let payload = try Envelope.open(envelope, expecting: .jobRequest, trusting: keys)
        request = try WireJobRequest(serializedBytes: payload)
        digest = SHA256.hash(payload)
        self.envelope = envelope
        self.body = body
    }

    /// Submit and the body's chunks, encoded, in this order.
    ///
    /// - Throws: ``ProtocolError`` when the envelope is too large for a frame.
    func frames() throws(ProtocolError) -> [[UInt8]] {
        let envelope = envelope
        let jobID = request.jobID
        var frames = [try Frames.encode(.with { $0.submit = .with { $0.envelope = envelope } })]
        guard var rest = body else { return frames }
        repeat {
            let chunk = rest.readBytes(length: min(rest.readableBytes, Frames.maximumChunk)) ?? []
            let last = rest.readableBytes == 0
            frames.append(
                try Frames.encode(
                    .with {
                        $0.bodyChunk = .with {
                            $0.jobID = jobID; $0.data = .init(chunk); $0.last = last
                        }
                    }))
        } while rest.readableBytes > 0
        return frames
    }
}
