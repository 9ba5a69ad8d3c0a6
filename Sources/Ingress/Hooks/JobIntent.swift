internal import Authentication
internal import FoundationEssentials
internal import JSON
internal import JobProtocol
internal import NIOCore
internal import NIOHTTP1
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Telemetry

/// Makes a job request of a delivery whose signature is good, in this order: the form of the payload, the token, the payload, the rule, the
/// event, the token's one use, parameters, the dedupe key. What is refused early costs nothing that comes later.
struct JobIntent {
    /// Attempts above this are not believed and count as none (Hookdeck stops at 50).
    static let maximumAttempt: UInt32 = 10_000
    /// How much longer than the sender waits a request may be accepted, in milliseconds.
    static let lifeAfterWait: Int64 = 60_000

    let request: WireJobRequest
    /// The body, where the job wants it on standard input.
    let body: ByteBuffer?

    /// - Throws: the ``Rejection`` for the sender.
    init(_ delivery: Delivery, for hook: Hook, tokens: TokenGate = TokenGate()) throws(Rejection) {
        let digest = SHA256.hash(Array(delivery.body.readableBytesView))
        let holdsToken = hook.looksForToken(inPayloadOf: delivery)
        let form = holdsToken || hook.readsPayload ? try hook.payload.form(of: delivery) : nil
        // Only where the token is in the payload is anything of the payload read before it.
        let early = holdsToken ? try Self.payload(delivery, hook, form) : nil
        let token = try tokens.check(hook.token, of: delivery, payload: early, digest: digest)
        var delivery = delivery
        delivery.claims = token?.claims.object
        let payload = holdsToken ? early : try Self.payload(delivery, hook, form)
        try hook.when?.check(delivery, payload)
        var request = WireJobRequest()
        request.jobID = Random.uuidV7(milliseconds: delivery.receivedAt)
        request.hook = hook.name
        request.job = hook.job
        request.bodyDigest = .init(digest)
        request.bodyLength = UInt64(delivery.body.readableBytes)
        request.bodyFollows = hook.sendsBody
        try Self.event(delivery, hook, payload, into: &request)
        // Behind the rule: an ignored delivery uses no token.
        if let token, hook.token?.once == true { try tokens.use(token, by: &request, at: delivery.receivedAt / 1000) }
        request.parameters = try Self.parameters(delivery, hook, payload)
        if let source = hook.destination {
            request.destination = try Self.value("destination", source, limit: JobLimits.name, delivery, payload)
        }
        if let source = hook.identity {
            request.identity = try Self.value("identity", source, limit: JobLimits.name, delivery, payload)
        }
        request.dedupeKey = hook.dedupe.key(
            hook: hook.name, event: request.eventID, caller: Self.caller(delivery), digest: digest)
        request.dedupeWindowMs = hook.dedupe.window
        request.issuedAtMs = delivery.receivedAt
        let wait = hook.wait.nanoseconds / 1_000_000
        request.waitUntilMs = delivery.receivedAt + wait
        request.expiresAtMs = delivery.receivedAt + wait + Self.lifeAfterWait
        request.correlationID = Self.correlation(delivery) ?? request.jobID
        let caller = TraceContext(headers: delivery.headers["traceparent"])
        request.traceparent = TraceContext.child(of: caller).description
        request.parentSpan = caller?.spanID ?? ""
        if hook.token?.forward == true { request.token = token?.text ?? "" }
        if let signed = hook.verification?.forwarded?.signedHeaders(of: delivery.signedHead),
            signed.signatures.utf8.count <= JobLimits.webhookSignatures
        {
            request.webhookSignature = .with { ($0.id, $0.timestamp, $0.signatures) = signed }
        }
        self.request = request
        body = hook.sendsBody ? delivery.body : nil
    }

    private static func payload(
        _ delivery: Delivery, _ hook: Hook, _ form: PayloadRule.Chosen?
    ) throws(Rejection) -> JSONValue? {
        guard let form else { return nil }
        return try hook.payload.payload(of: delivery, as: form)
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
        _ delivery: Delivery, _ hook: Hook, _ payload: JSONValue?, into request: inout WireJobRequest
    ) throws(Rejection) {
        let id = try eventID(delivery, hook, payload)
        request.eventID = id
        guard !id.isEmpty, hook.dedupe.basis != .idempotencyKey else { return }
        if let text = try? hook.attempt.value(in: delivery, payload: payload),
            // Digits alone: a number of the language may have a sign.
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let attempt = UInt32(text), attempt <= maximumAttempt
        {
            request.attempt = attempt
        }
        let trigger = delivery.headers.first(name: "x-hookdeck-attempt-trigger") ?? ""
        request.manualRetry = hook.honoursManualRetry && ["MANUAL", "BULK_RETRY"].contains(trigger)
    }

    /// Who the verified token says is calling; two callers' idempotency keys never meet.
    private static func caller(_ delivery: Delivery) -> String {
        ["iss", "sub"].map { delivery.claims?[$0]?.string ?? "" }.joined(separator: "\n")
    }

    /// Empty for a delivery without an event id: it is nobody's duplicate, unless its body alone says so. One with an id that cannot be
    /// one is refused.
    private static func eventID(_ delivery: Delivery, _ hook: Hook, _ payload: JSONValue?) throws(Rejection) -> String {
        if hook.dedupe.basis == .idempotencyKey { return try idempotencyKey(delivery, hook) }
        let id: String
        do throws(ValueError) {
            id = try hook.eventID.value(in: delivery, payload: payload)
        } catch  where error.isMissing {
            return ""
        } catch {
            throw Rejection(.badRequest, "event id: \(error.message)", outcome: "event-id")
        }
        guard id.utf8.count <= JobLimits.eventID, id.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Rejection(
                .badRequest, "the event id must be 1 to \(JobLimits.eventID) visible ASCII characters", outcome: "event-id")
        }
        return id
    }

    /// The draft's section 2.7: 400 when a key is demanded and not there.
    private static func idempotencyKey(_ delivery: Delivery, _ hook: Hook) throws(Rejection) -> String {
        let values = delivery.headers[IdempotencyKey.header]
        guard let value = values.first else {
            guard hook.dedupe.demandsKey else { return "" }
            throw Rejection(.badRequest, "this hook demands an Idempotency-Key", outcome: "idempotency-key")
        }
        guard values.count == 1, let key = IdempotencyKey.parse(value) else {
            throw Rejection(
                .badRequest,
                "an Idempotency-Key is one string of 1 to \(JobLimits.eventID) visible ASCII characters without quotes, commas, semicolons and backslashes in it",
                outcome: "idempotency-key")
        }
        return key
    }

    private static func correlation(_ delivery: Delivery) -> String? {
        let name = ["x-correlation-id", "x-request-id"].first { delivery.headers.contains(name: $0) }
        guard let value = name.flatMap({ delivery.headers.first(name: $0) }), !value.isEmpty,
            value.utf8.count <= JobLimits.correlationID, value.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        return value
    }
}
