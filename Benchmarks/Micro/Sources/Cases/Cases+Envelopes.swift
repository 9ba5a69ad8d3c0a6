import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf

/// What passes between the gates.
extension Case {
    static let envelopes = [
        Case("request: sign, as the ingress does", counted: 20) {
            let (request, key) = (Samples.request(), try Samples.key())
            return { use(try Samples.sign(request, key)) }
        },
        Case("request: verify and check, as the executor does", counted: 10) {
            let (envelope, _) = try Samples.sign(Samples.request(), Samples.key())
            let trusted = try Samples.trusted()
            return {
                let submission = try Samples.submission(envelope, trusted)
                try RequestCheck.validate(submission.request)
                guard !RequestCheck.isExpired(submission.request, now: Samples.now) else { throw Unexpected("expired") }
                use(submission)
            }
        },
        Case("accepted: sign, as the executor does", counted: 20) {
            let (acceptance, key) = (try Case.acceptance(), try Samples.key())
            return {
                use(try Envelope.seal(acceptance.serializedBytes(), as: .jobAcceptance, keyID: Samples.keyID, key: key))
            }
        },
        Case("accepted: verify, as the ingress does", counted: 10) {
            let envelope = try Envelope.seal(
                acceptance().serializedBytes(), as: .jobAcceptance, keyID: Samples.keyID, key: Samples.key())
            let trusted = try Samples.trusted()
            return { use(try trusted.acceptance(in: envelope)) }
        },
        Case("result: sign, with 1 KiB of output", counted: 20) {
            let (result, key) = (Samples.result(Samples.request()), try Samples.key())
            return { use(try Envelope.seal(result.serializedBytes(), as: .jobResult, keyID: Samples.keyID, key: key)) }
        },
        Case("result: verify, with 1 KiB of output", counted: 10) {
            let result = Samples.result(Samples.request())
            let envelope = try Envelope.seal(result.serializedBytes(), as: .jobResult, keyID: Samples.keyID, key: Samples.key())
            let trusted = try Samples.trusted()
            return { use(try trusted.result(in: envelope)) }
        },
        Case("frame: encode a request", counted: 1000) {
            let (envelope, _) = try Samples.sign(Samples.request(), Samples.key())
            return { use(try Frames.encode(.with { $0.submit = .with { $0.envelope = envelope } })) }
        },
        Case("frame: decode a request", counted: 1000) {
            let (envelope, _) = try Samples.sign(Samples.request(), Samples.key())
            let bytes = try Frames.encode(.with { $0.submit = .with { $0.envelope = envelope } })
            return { use(try decoded(bytes)) }
        },
        Case("frame: encode 32 KiB of body", counted: 100) {
            let chunk = WireFrame.with { $0.bodyChunk = .with { $0.data = .init(repeating: 7, count: Frames.maximumChunk) } }
            return { use(try Frames.encode(chunk)) }
        },
        Case("frame: decode 32 KiB of body", counted: 100) {
            let bytes = try Frames.encode(
                .with { $0.bodyChunk = .with { $0.data = .init(repeating: 7, count: Frames.maximumChunk) } })
            return { use(try decoded(bytes)) }
        },
    ]

    private static func acceptance() throws -> WireJobAcceptance {
        let request = Samples.request()
        let (_, digest) = try Samples.sign(request, Samples.key())
        return .with {
            $0.jobID = request.jobID
            $0.originalJobID = request.jobID
            $0.requestDigest = .init(digest)
        }
    }

    private static func decoded(_ bytes: [UInt8]) throws -> WireFrame.OneOf_Kind {
        var buffer = FrameBuffer()
        buffer.append(bytes)
        guard let payload = try buffer.next() else { throw Unexpected("no whole frame") }
        return try Frames.decodeJobFrame(payload)
    }
}
