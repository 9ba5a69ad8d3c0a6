internal import Authentication
internal import FoundationEssentials
internal import JSON
internal import JobProtocol
internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import Telemetry

/// Makes a job request of a delivery whose signature is good: token, payload, rule, parameters, event.
struct JobIntent {
    /// Attempts above this are not believed and count as none (Hookdeck stops at 50).
    static let maximumAttempt: UInt32 = 10_000
    /// How much longer than the sender waits a request may be accepted, in milliseconds.
    static let lifeAfterWait: Int64 = 60_000

    let request: WireJobRequest
    /// The body, where the job wants it on standard input.
    let body: ByteBuffer?

    /// - Throws: the ``Rejection`` for the sender.
    init(_ delivery: Delivery, for hook: Hook) throws(Rejection) {
        let token = try Self.token(delivery, hook)
        var delivery = delivery
        delivery.claims = token?.claims
        let payload = hook.readsPayload ? try hook.payload.payload(of: delivery) : nil
        try hook.when?.check(delivery, payload)
        var request = WireJobRequest()
        request.jobID = Random.uuidV7(milliseconds: delivery.receivedAt)
        request.hook = hook.name
        request.job = hook.job
        request.parameters = try Self.parameters(delivery, hook, payload)
        if let source = hook.destination {
            request.destination = try Self.value("destination", source, limit: JobLimits.name, delivery, payload)
        }
        let digest = SHA256.hash(Array(delivery.body.readableBytesView))
        request.bodyDigest = .init(digest)
        request.bodyLength = UInt64(delivery.body.readableBytes)
        request.bodyFollows = hook.sendsBody
        try Self.event(delivery, hook, payload, digest: digest, into: &request)
        request.issuedAtMs = delivery.receivedAt
        let wait = hook.wait.nanoseconds / 1_000_000
        request.waitUntilMs = delivery.receivedAt + wait
        request.expiresAtMs = delivery.receivedAt + wait + Self.lifeAfterWait
        request.correlationID = Self.correlation(delivery) ?? request.jobID
        request.traceparent = TraceContext.child(of: TraceContext(headers: delivery.headers["traceparent"])).description
        if hook.token?.forward == true { request.token = token?.text ?? "" }
        self.request = request
        body = hook.sendsBody ? delivery.body : nil
    }

    private static func token(_ delivery: Delivery, _ hook: Hook) throws(Rejection) -> (text: String, claims: JSONValue)? {
        guard let rule = hook.token else { return nil }
        let values = delivery.headers[rule.header]
        guard values.count <= 1 else { throw .token("header \(rule.header) is there more than once", reason: "repeated") }
        guard let value = values.first, !value.isEmpty else {
            throw .token("header \(rule.header) is missing", reason: "missing")
        }
        let token = value.hasPrefix("Bearer ") ? String(value.dropFirst(7)) : value
        do throws(TokenError) {
            return (token, try rule.verifier.verify(token, now: delivery.receivedAt / 1000).object)
        } catch {
            throw .token("token in \(rule.header) is not valid: \(error)", reason: "\(error.code)")
        }
    }

    private static func parameters(
        _ delivery: Delivery, _ hook: Hook, _ payload: JSONValue?
    ) throws(Rejection) -> [String: String] {
        var parameters: [String: String] = [:]
        var bytes = 0
        for parameter in hook.parameters {
            let value = try value(
                "parameter \(parameter.name)", parameter.source, limit: JobLimits.parameterValue, fallback: parameter.fallback,
                delivery, payload)
            bytes += parameter.name.utf8.count + value.utf8.count
            parameters[parameter.name] = value
        }
        guard bytes <= JobLimits.parameterBytes else {
            throw Rejection(
                .unprocessableEntity, "all parameters together have \(bytes) bytes, the limit is \(JobLimits.parameterBytes)",
                outcome: "parameter")
        }
        return parameters
    }

    private static func value(
        _ what: String, _ source: ValueSource, limit: Int, fallback: String? = nil, _ delivery: Delivery, _ payload: JSONValue?
    ) throws(Rejection) -> String {
        do throws(ValueError) {
            let value = try source.value(in: delivery, payload: payload)
            guard value.utf8.count <= limit else {
                throw ValueError("it has \(value.utf8.count) bytes, the limit is \(limit)")
            }
            return value
        } catch {
            if error.isMissing || error.isNull, let fallback { return fallback }
            throw Rejection(.unprocessableEntity, "\(what): \(error.message)", outcome: "parameter")
        }
    }

    private static func event(
        _ delivery: Delivery, _ hook: Hook, _ payload: JSONValue?, digest: [UInt8], into request: inout WireJobRequest
    ) throws(Rejection) {
        // A delivery without an event id is nobody's duplicate; one with an id that cannot be one is refused.
        let id: String
        do throws(ValueError) {
            id = try hook.eventID.value(in: delivery, payload: payload)
        } catch  where error.isMissing {
            return
        } catch {
            throw Rejection(.badRequest, "event id: \(error.message)", outcome: "event-id")
        }
        guard !id.isEmpty else { return }
        guard id.utf8.count <= JobLimits.eventID, id.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Rejection(
                .badRequest, "the event id must be 1 to \(JobLimits.eventID) visible ASCII characters", outcome: "event-id")
        }
        request.eventID = id
        if let attempt = (try? hook.attempt.value(in: delivery, payload: payload)).flatMap({ UInt32($0) }),
            attempt <= maximumAttempt
        {
            request.attempt = attempt
        }
        let trigger = delivery.headers.first(name: "x-hookdeck-attempt-trigger") ?? ""
        request.manualRetry = hook.honoursManualRetry && ["MANUAL", "BULK_RETRY"].contains(trigger)
        // Lengths in front: no two different triples run together.
        let key = "\(hook.name.utf8.count):\(hook.name)\(id.utf8.count):\(id)"
        request.dedupeKey = Hex.encode(SHA256.hash(Array(key.utf8) + digest))
    }

    private static func correlation(_ delivery: Delivery) -> String? {
        let name = ["x-correlation-id", "x-request-id"].first { delivery.headers.contains(name: $0) }
        guard let value = name.flatMap({ delivery.headers.first(name: $0) }), !value.isEmpty,
            value.utf8.count <= JobLimits.correlationID, value.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        return value
    }
}

/// A delivery that becomes no job: the answer for the sender, and the word for metrics and log.
struct Rejection: Error {
    let answer: Answer
    let outcome: String
    let detail: String

    init(_ status: HTTPResponseStatus, _ detail: String, outcome: String) {
        answer = .problem(status, detail)
        self.outcome = outcome
        self.detail = detail
    }

    private init(answer: Answer, detail: String, outcome: String) {
        self.answer = answer
        self.outcome = outcome
        self.detail = detail
    }

    /// The hook's rule does not hold, and the sender need not know more.
    static let ignored = Rejection(
        answer: .json(.ok) { writer in
            writer.beginObject()
            writer.name("status")
            writer.string("ignored")
            writer.endObject()
        }, detail: "the delivery does not meet the rules of this hook", outcome: "ignored")

    /// The sender was told that all is well.
    var isIgnored: Bool { outcome == Self.ignored.outcome }

    /// RFC 6750 section 3; the scheme's error code says nothing that the detail does not.
    static func token(_ detail: String, reason: String) -> Rejection {
        Rejection(
            answer: .unauthorized("Bearer realm=\"sallyport\", error=\"invalid_token\"", detail), detail: detail,
            outcome: "token-\(reason)")
    }

    /// The delivery is not proved to be the sender's.
    static func signature(_ refusal: WebhookRefusal) -> Rejection {
        Rejection(
            answer: .unauthorized(refusal.challenges.joined(separator: ", "), refusal.detail), detail: refusal.detail,
            outcome: "signature-\(refusal.reason.rawValue)")
    }
}
