public import JSON

/// Something that happened, before it has its place in the log.
public struct AuditEvent: Sendable, Equatable {
    /// Bytes of the longest text in a field; the rest of a longer one is left out.
    public static let maximumText = 1024

    /// What happened.
    public enum Kind: String, Sendable, CaseIterable {
        /// The executor began to serve.
        case executorStarted = "executor-started"
        /// It ended in order.
        case executorStopped = "executor-stopped"
        /// The settings were read again, and other ones hold from now on.
        case policyChanged = "policy-changed"
        /// A signed request came through the gate.
        case delivery
        /// The executor verified the caller's token itself.
        case token
        /// What the policy said of a request.
        case decision
        /// A command is about to be given to a host.
        case attemptStarted = "attempt-started"
        /// How that ended.
        case attemptEnded = "attempt-ended"
        /// A signature with an SSH key is about to be given.
        case signature
        /// How a job ended.
        case result
        /// A job of an executor that is gone is another's from now on.
        case takenOver = "taken-over"
        /// An ingress broke the protocol, or showed a signature that is not good.
        case violation
        /// Somebody asked something of the admin socket.
        case `operator`
    }

    /// What happened, by its name; a newer executor may know more of them.
    public let kind: String
    /// Unix milliseconds.
    public let time: Int64
    /// Texts and whole numbers, in the order of the kind.
    public let fields: JSONObject

    /// An event of that kind. Empty texts are left out, long ones cut.
    public init(_ kind: Kind, at time: Int64, _ fields: [(name: String, value: Value)]) {
        self.kind = kind.rawValue
        self.time = time
        self.fields = JSONObject(fields.compactMap { field in field.value.json.map { (field.name, $0) } })
    }

    init(kind: String, time: Int64, fields: JSONObject) {
        self.kind = kind
        self.time = time
        self.fields = fields
    }

    /// What may stand in a field.
    public enum Value: Sendable, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
        case text(String)
        case number(Int64)

        /// A text.
        public init(stringLiteral value: String) { self = .text(value) }
        /// A number.
        public init(integerLiteral value: Int64) { self = .number(value) }

        var json: JSONValue? {
            switch self {
            case .number(let number): return .integer(number)
            case .text(let text):
                guard !text.isEmpty else { return nil }
                guard text.utf8.count > AuditEvent.maximumText else { return .string(text) }
                // A character that is cut in two becomes U+FFFD.
                return .string(String(decoding: text.utf8.prefix(AuditEvent.maximumText), as: UTF8.self) + "…")
            }
        }
    }

    /// The job it is about.
    public var job: String? { fields["job"]?.string }
}
