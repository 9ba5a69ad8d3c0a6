internal import Authentication
internal import JSON
internal import JobProtocol
internal import NIOCore
internal import NIOHTTP1

/// One entry of `hooks`: what a delivery must prove, and which job it asks for.
struct Hook: Sendable {
    /// When the sender gets its answer.
    enum Response: String, Sendable, CaseIterable {
        case sync
        case async
    }

    /// What becomes of a delivery while no executor is connected.
    enum WhenAway: String, Sendable, CaseIterable {
        case refuse
        case spool
    }
    let name: String
    /// Nil where the settings say `none`.
    let verification: Verification?
    let token: Token?
    let job: String
    let when: DeliveryRule?
    let payload: PayloadRule
    let parameters: [HookParameter]
    let destination: ValueSource?
    /// Which of the job's identities logs in; nil where the job does not let the caller choose.
    let identity: ValueSource?
    let eventID: ValueSource
    let attempt: ValueSource
    /// `x-hookdeck-attempt-trigger: MANUAL` runs an event again that is done already.
    let honoursManualRetry: Bool
    let dedupe: Dedupe
    /// While no executor is connected, deliveries are kept on disk.
    let spools: Bool
    let sendsBody: Bool
    let response: Response
    let wait: TimeAmount
    let maximumBody: Int
    /// What the hook's deliveries may take.
    var limits = HookLimits()

    /// In words, for `check`.
    var limitSummary: String {
        "  at most \(limits.rate.words), \(limits.rate.burst) at once, and \(limits.concurrency) that wait"
    }

    /// The body must be of one of the forms of `payload`, because something is taken from it or because the hook says so.
    var readsPayload: Bool {
        payload.isDemanded || when?.readsPayload == true || parameters.contains { $0.source.isPayload }
            || (destination?.isPayload ?? false) || (identity?.isPayload ?? false) || eventID.isPayload
    }
}

/// A parameter of the job, and where it comes from.
struct HookParameter: Sendable {
    let name: String
    let source: ValueSource
    /// Taken when there is nothing, or null.
    let fallback: String?
}

/// Where a value of a delivery comes from.
enum ValueSource: Sendable {
    case payload(JSONPointer, text: String)
    case header(String)
    case query(String)
    /// A claim of the token that was verified.
    case claim(JSONPointer, text: String)
    case literal(String)

    var isPayload: Bool { if case .payload = self { true } else { false } }

    /// The value as text, or why there is none.
    ///
    /// Strings are taken as they are, numbers with the digits that were sent, booleans as `true` and `false`.
    func value(in delivery: Delivery, payload: JSONValue?) throws(ValueError) -> String {
        switch self {
        case .literal(let text): return text
        case .header(let name):
            let values = delivery.headers[name]
            guard values.count <= 1 else { throw ValueError("header \(name) is there more than once") }
            guard let value = values.first else { throw ValueError("header \(name) is missing", isMissing: true) }
            return value
        case .query(let name):
            let values = delivery.query.filter { $0.name == name }
            guard values.count <= 1 else { throw ValueError("query parameter \(name) is there more than once") }
            guard let value = values.first else { throw ValueError("query parameter \(name) is missing", isMissing: true) }
            return value.value
        case .payload(let pointer, let text):
            return try Self.single(payload.flatMap { pointer.value(in: $0) }, "payload", text)
        case .claim(let pointer, let text):
            return try Self.single(delivery.claims.flatMap { pointer.value(in: $0) }, "token", text)
        }
    }

    private static func single(_ value: JSONValue?, _ what: String, _ place: String) throws(ValueError) -> String {
        switch value {
        case .string(let string): return string
        case .number(let number): return number.text
        case .bool(let bool): return bool ? "true" : "false"
        case .null: throw ValueError("\(what) has null at \(place)", isNull: true)
        case .array, .object: throw ValueError("\(what) has no single value at \(place)")
        case nil: throw ValueError("\(what) has nothing at \(place)", isMissing: true)
        }
    }
}

/// Why a value could not be taken from a delivery; names the place, never the value.
struct ValueError: Error {
    let message: String
    /// There is nothing at the place, as against something that is no value.
    let isMissing: Bool
    /// There is null, by which many senders mean nothing.
    let isNull: Bool

    init(_ message: String, isMissing: Bool = false, isNull: Bool = false) {
        self.message = message
        self.isMissing = isMissing
        self.isNull = isNull
    }
}
