internal import Authentication
internal import JSON
internal import NIOHTTP1

/// A delivery that becomes no job: the answer for the sender, and the word for metrics and log.
struct Rejection: Error {
    let answer: Answer
    let outcome: String
    let detail: String
    /// Which proof did not hold, and why; nil when the delivery is its sender's.
    private(set) var failedProof: (check: String, reason: String)?

    init(_ status: HTTPResponseStatus, _ detail: String, outcome: String) {
        answer = .problem(status, detail)
        self.outcome = outcome
        self.detail = detail
    }

    private init(answer: Answer, detail: String, outcome: String, failedProof: (check: String, reason: String)? = nil) {
        self.answer = answer
        self.outcome = outcome
        self.detail = detail
        self.failedProof = failedProof
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
            outcome: "token-\(reason)", failedProof: ("token", reason))
    }

    /// What cannot be taken now and can be later.
    static func unavailable(_ detail: String, outcome: String, retryAfter seconds: Int) -> Rejection {
        Rejection(answer: .unavailable(detail, retryAfter: seconds), detail: detail, outcome: outcome)
    }

    /// The delivery is not proved to be the sender's.
    static func signature(_ refusal: WebhookRefusal) -> Rejection {
        Rejection(
            answer: .unauthorized(refusal.challenges.joined(separator: ", "), refusal.detail), detail: refusal.detail,
            outcome: "signature-\(refusal.reason.rawValue)",
            failedProof: (refusal.scheme.isEmpty ? "several" : refusal.scheme, refusal.reason.rawValue))
    }
}
