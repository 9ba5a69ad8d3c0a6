internal import Authentication
internal import JobProtocol
internal import ProtocolMessages

/// What makes two deliveries of one hook the same event.
struct Dedupe: Sendable, Equatable {
    /// What the dedupe key is made of, beside the hook's name.
    enum Basis: String, Sendable, CaseIterable {
        /// The event id alone; the same one with another body is a contradiction.
        case event
        /// The body alone: whoever replays a signed body under an event id of his own runs nothing.
        case body
        /// Both: the id with another body is another event.
        case eventAndBody = "event-and-body"
        /// The caller's Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).
        case idempotencyKey = "idempotency-key"
    }

    let basis: Basis
    /// With ``Basis/body``: how long, in milliseconds, a body under another event id counts as the same event; 0 for as long as the
    /// executor's journal keeps the job.
    let window: Int64
    /// With ``Basis/idempotencyKey``: a delivery without a key is refused.
    let demandsKey: Bool

    /// Tells deliveries apart by all that is known of them.
    static let delivery = Dedupe(basis: .eventAndBody, window: 0, demandsKey: false)

    /// The dedupe key of a delivery; empty for one that is nobody's duplicate.
    ///
    /// - Parameters:
    ///   - caller: who the verified token says is calling; two callers' idempotency keys never meet.
    ///   - digest: SHA-256 of the body.
    func key(hook: String, event: String, caller: String, digest: [UInt8]) -> String {
        guard !event.isEmpty || basis == .body else { return "" }
        // Lengths in front: no two different sets of values run together.
        func part(_ text: String) -> String { "\(text.utf8.count):\(text)" }
        let text =
            switch basis {
            case .event, .eventAndBody: part(hook) + part(event)
            case .body: part(hook) + "body"
            case .idempotencyKey: part(hook) + "key" + part(caller) + part(event)
            }
        let covered = basis == .body || basis == .eventAndBody ? digest : []
        return Hex.encode(SHA256.hash(Array(text.utf8) + covered))
    }
}

extension Hook {
    /// The sender is told that its key is in flight and does not wait for another's job.
    func neverJoins(_ request: WireJobRequest) -> Bool { dedupe.basis == .idempotencyKey && !request.dedupeKey.isEmpty }
}

/// The value of an `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header section 2).
///
/// The draft demands a string of RFC 8941 section 3.3.3, in quotes; most clients send the key bare. Both are taken, and are the same
/// key. A key has 1 to 255 visible ASCII characters; a list, parameters and escapes are refused.
enum IdempotencyKey {
    static let header = "idempotency-key"

    /// The key without quotes; nil when the value cannot be one.
    static func parse(_ value: String) -> String? {
        var key = Substring(value)
        if key.hasPrefix("\"") {
            guard key.utf8.count >= 2, key.hasSuffix("\"") else { return nil }
            key = key.dropFirst().dropLast()
        }
        guard (1...JobLimits.eventID).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"\"\\,;".utf8.contains($0) })
        else { return nil }
        return String(key)
    }
}
