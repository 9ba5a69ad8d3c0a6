internal import Authentication
internal import JSON
internal import JobProtocol
internal import ProtocolMessages
internal import SwiftProtobuf

/// A sender's signature that the executor verifies again itself, with nothing but public keys: Standard Webhooks' `v1a`.
///
/// What the ingress says of such a delivery counts for nothing. Its id, its time and its parameters are taken from what was signed; so an
/// ingress that was taken over, with its own signing key, can hand on what the sender has signed, or not, and nothing else.
struct DeliveryVerifier: Sendable {
    /// How far the signed time may be set to lie from now. Twice of it is not more than the shortest time for which the journal keeps what is
    /// done: no signature is good for longer than its id is known.
    static let toleranceRange: ClosedRange<Duration> = .seconds(1) ... .seconds(1800)

    let scheme: StandardWebhooks
    /// Of the keys and the tolerance, hexadecimal.
    let digest: String

    init(keys: [Ed25519PublicKey], tolerance: Int64) throws(AuthenticationError) {
        scheme = try StandardWebhooks(publicKeys: keys, tolerance: tolerance)
        digest = Hex.encode(SHA256.hash(Array("\(keys.map(\.description)) \(tolerance)".utf8)))
    }

    /// - Parameter now: Unix time in seconds.
    /// - Throws: the refusal when it is not the sender's, or of another time.
    func verify(_ signature: WireWebhookSignature, body: [UInt8], now: Int64) throws(WebhookRefusal) {
        guard case .signature(let check) = try scheme.begin(Head(signature: signature), now: now) else { return }
        try check.finish(body: body)
    }

    private struct Head: DeliveryHead {
        let signature: WireWebhookSignature

        func values(of header: String) -> [String] {
            switch header {
            case "webhook-id": [signature.id]
            case "webhook-timestamp": [signature.timestamp]
            case "webhook-signature": [signature.signatures]
            default: []
            }
        }
        var pathSecret: String? { nil }
        var clientCertificate: ClientCertificate? { nil }
    }
}

extension Policy {
    /// The submission as its sender has signed it, where its job asks for that; any other as it is.
    ///
    /// - Parameter now: Unix time in seconds.
    /// - Throws: ``Refusal`` when the signature is missing or not good, or when the ingress says something else than the signed body.
    func verified(_ submission: Submission, now: Int64) throws(Refusal) -> Submission {
        let request = submission.request
        guard let job = jobs[request.job] else { return submission }
        guard let verifier = job.verifier else {
            guard !request.hasWebhookSignature else {
                throw Refusal(.policy, "job \(job.name) verifies no sender; leave `forward` out of the hook's `verify`")
            }
            return submission
        }
        guard request.hasWebhookSignature, let body = submission.body else {
            throw Refusal(
                .token,
                "job \(job.name) demands its sender's signature; set `body: true`, and `forward: true` under the hook's `verify`")
        }
        let signature = request.webhookSignature
        do throws(WebhookRefusal) {
            try verifier.verify(signature, body: body, now: now)
        } catch {
            throw Refusal(.token, "the sender's signature for job \(job.name) was refused: \(error.detail)")
        }
        var verified = submission
        verified.isVerified = true
        verified.request = Self.signed(request, try Self.parameters(of: job, request, in: body))
        return verified
    }

    /// The request with what was signed in place of what was said. A later signature of the same id is the sender's own retry.
    private static func signed(_ request: WireJobRequest, _ parameters: [String: String]) -> WireJobRequest {
        var signed = request
        signed.eventID = request.webhookSignature.id
        signed.attempt = UInt32(request.webhookSignature.timestamp) ?? 0
        signed.dedupeKey = Hex.encode(SHA256.hash(Array("\(request.job)\n\(signed.eventID)".utf8)))
        signed.dedupeWindowMs = 0
        signed.manualRetry = false
        signed.parameters = parameters
        // It is not kept: who reads the journal could hand it in once more.
        signed.webhookSignature.signatures = ""
        return signed
    }

    private static func parameters(
        of job: JobPolicy, _ request: WireJobRequest, in body: [UInt8]
    ) throws(Refusal) -> [String: String] {
        var parameters: [String: String] = [:]
        if !job.parameters.isEmpty {
            let document: JSONValue
            do throws(JSONError) {
                document = try JSONValue.parse(body)
            } catch {
                throw Refusal(.parameter, "the signed body of job \(job.name) is no JSON: \(error)")
            }
            for (name, rule) in job.parameters {
                guard let place = rule.place else { continue }
                switch place.pointer.value(in: document) {
                case .string(let text): parameters[name] = text
                case .number(let number): parameters[name] = number.text
                case .bool(let bool): parameters[name] = bool ? "true" : "false"
                // The policy says of what is missing whether it may be.
                case .null, nil: break
                case .array, .object:
                    throw Refusal(.parameter, "the signed body of job \(job.name) has no single value at \(place.text)")
                }
            }
        }
        for (name, value) in request.parameters where parameters[name] != value {
            throw Refusal(
                .parameter,
                "parameter \(name.prefix(JobLimits.name).debugDescription) of job \(job.name) is not what the signed body has; leave it out of the hook"
            )
        }
        return parameters
    }
}
