internal import JobProtocol
internal import ProtocolMessages

/// The limits of `JobLimits` on a request: what the ingress should have kept, checked again because it may have been taken over.
enum RequestCheck {
    /// - Throws: ``Refusal`` naming the field.
    static func validate(_ request: WireJobRequest) throws(Refusal) {
        guard isUUID(request.jobID) else { throw Refusal(.policy, "job id is not a UUID") }
        for (field, value, limit) in [
            ("hook", request.hook, JobLimits.name), ("job", request.job, JobLimits.name),
            ("destination", request.destination, JobLimits.name), ("identity", request.identity, JobLimits.name),
            ("event id", request.eventID, JobLimits.eventID), ("correlation id", request.correlationID, JobLimits.correlationID),
            ("dedupe key", request.dedupeKey, JobLimits.name), ("traceparent", request.traceparent, JobLimits.correlationID),
            ("token", request.token, JobLimits.token),
        ] where value.utf8.count > limit {
            throw Refusal(.policy, "\(field) has \(value.utf8.count) bytes, the limit is \(limit)")
        }
        guard request.parameters.count <= JobLimits.parameters else {
            throw Refusal(.parameter, "\(request.parameters.count) parameters, the limit is \(JobLimits.parameters)")
        }
        guard request.bodyLength <= JobLimits.body || !request.bodyFollows else {
            throw Refusal(.policy, "body of \(request.bodyLength) bytes, the limit is \(JobLimits.body)")
        }
        guard request.expiresAtMs - request.issuedAtMs <= JobLimits.lifetimeMilliseconds, request.expiresAtMs > request.issuedAtMs
        else {
            throw Refusal(.expired, "life of the request is not within \(JobLimits.lifetimeMilliseconds) ms")
        }
    }

    /// Past its expires-at, or issued in the future, by more than the clocks may differ.
    static func isExpired(_ request: WireJobRequest, now: Int64) -> Bool {
        now > request.expiresAtMs || request.issuedAtMs > now + JobLimits.clockSkewMilliseconds
    }

    private static func isUUID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { index, byte in
            [8, 13, 18, 23].contains(index)
                ? byte == UInt8(ascii: "-") : (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
        }
    }
}
