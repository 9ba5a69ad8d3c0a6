internal import JobProtocol
internal import ProtocolMessages

/// The limits of `JobLimits` on a request: what the ingress should have kept, checked again because it may have been taken over.
enum RequestCheck {
    /// - Throws: ``Refusal`` naming the field.
    static func validate(_ request: WireJobRequest) throws(Refusal) {
        guard JobID.isOne(request.jobID) else { throw Refusal(.policy, "job id is not a UUID of version 7") }
        for (field, value, limit) in [
            ("hook", request.hook, JobLimits.name), ("job", request.job, JobLimits.name),
            ("destination", request.destination, JobLimits.name), ("identity", request.identity, JobLimits.name),
            ("event id", request.eventID, JobLimits.eventID), ("correlation id", request.correlationID, JobLimits.correlationID),
            ("dedupe key", request.dedupeKey, JobLimits.name), ("traceparent", request.traceparent, JobLimits.correlationID),
            ("parent span", request.parentSpan, JobLimits.name),
            ("token", request.token, JobLimits.token), ("webhook id", request.webhookSignature.id, JobLimits.eventID),
            ("webhook timestamp", request.webhookSignature.timestamp, JobLimits.name),
            ("webhook signatures", request.webhookSignature.signatures, JobLimits.webhookSignatures),
        ] where value.utf8.count > limit {
            throw Refusal(.policy, "\(field) has \(value.utf8.count) bytes, the limit is \(limit)")
        }
        guard request.parameters.count <= JobLimits.parameters else {
            throw Refusal(.parameter, "\(request.parameters.count) parameters, the limit is \(JobLimits.parameters)")
        }
        var bytes = 0
        for (name, value) in request.parameters {
            guard name.utf8.count <= JobLimits.name, value.utf8.count <= JobLimits.parameterValue else {
                throw Refusal(
                    .parameter,
                    "parameter \(name.clipped(toBytes: JobLimits.name).debugDescription) has a name of \(name.utf8.count) and a value of "
                        + "\(value.utf8.count) bytes, the limits are \(JobLimits.name) and \(JobLimits.parameterValue)")
            }
            bytes += name.utf8.count + value.utf8.count
        }
        guard bytes <= JobLimits.parameterBytes else {
            throw Refusal(.parameter, "all parameters together have \(bytes) bytes, the limit is \(JobLimits.parameterBytes)")
        }
        guard request.bodyLength <= JobLimits.body || !request.bodyFollows else {
            throw Refusal(.policy, "body of \(request.bodyLength) bytes, the limit is \(JobLimits.body)")
        }
        // Not negative, so that the difference is a number.
        guard request.issuedAtMs >= 0, request.expiresAtMs > request.issuedAtMs,
            request.expiresAtMs - request.issuedAtMs <= JobLimits.lifetimeMilliseconds
        else {
            throw Refusal(.expired, "life of the request is not within \(JobLimits.lifetimeMilliseconds) ms")
        }
    }

    /// Past its expires-at, or issued in the future, by more than the clocks may differ.
    static func isExpired(_ request: WireJobRequest, now: Int64) -> Bool {
        now > request.expiresAtMs || request.issuedAtMs > now + JobLimits.clockSkewMilliseconds
    }
}
