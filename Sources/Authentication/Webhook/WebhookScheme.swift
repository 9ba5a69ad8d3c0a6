/// What a scheme may look at before the body: the request's head, and with what the connection was made. A scheme that needs more of the
/// connection adds it here.
public protocol DeliveryHead {
    /// Every value of the header of that name, in any case of letters.
    func values(of header: String) -> [String]
    /// What stands behind the hook's name in the path, as it was sent; nil when nothing does.
    var pathSecret: String? { get }
    /// With which the sender proved itself to TLS; nil without one.
    var clientCertificate: ClientCertificate? { get }
}

/// One way in which a sender proves that a delivery is its own.
///
/// A scheme is one file here and one line in the list of the settings (`HookSettings.schemes`). It is made once, from the settings, and
/// used for many deliveries at the same time.
public protocol WebhookScheme: AnyObject, Sendable {
    /// What it is called, and what it asks for.
    var about: SchemeDescription { get }

    /// Looks at the head, before any of the body is read.
    ///
    /// - Parameter now: Unix time in seconds.
    /// - Throws: the refusal when something is missing, repeated, not of its form, or signed at another time.
    func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> SchemeCheck

    /// What a sender adds to `message`, under the first secret.
    ///
    /// - Throws: ``AuthenticationError`` when this scheme has nothing to sign with.
    func sign(_ message: WebhookMessage) throws(AuthenticationError) -> SignedParts
}

/// A scheme in words.
public struct SchemeDescription: Sendable {
    /// What a delivery's proof is of.
    public enum Coverage: Sendable {
        /// The sender alone: a password, or its connection.
        case nothing
        /// The body, and the header that has the delivery's id where there is one.
        case body(id: String?)
    }

    /// The name in the settings, as in `github`.
    public let name: String
    /// What the sender must have, for `check`, as in `GitHub's signature over the body`.
    public let summary: String
    /// What `WWW-Authenticate` says (RFC 9110 section 11.6.1).
    public let challenge: String
    /// The hook's path has one more segment, the secret.
    public let usesPath: Bool
    /// What of a delivery nobody else can change.
    public let covers: Coverage

    init(name: String, summary: String, challenge: String, usesPath: Bool = false, covers: Coverage) {
        self.name = name
        self.summary = summary
        self.challenge = challenge
        self.usesPath = usesPath
        self.covers = covers
    }
}

extension WebhookScheme {
    func refusal(_ reason: WebhookRefusal.Reason, _ detail: String) -> WebhookRefusal {
        WebhookRefusal(scheme: about.name, reason: reason, detail: detail, challenges: [about.challenge])
    }

    /// The one value of a header.
    ///
    /// - Throws: a refusal when it is missing, empty, or there more than once.
    func single(_ header: String, in head: some DeliveryHead) throws(WebhookRefusal) -> ArraySlice<UInt8> {
        let values = head.values(of: header)
        guard values.count <= 1 else { throw refusal(.malformed, "\(header) is there more than once") }
        guard let value = values.first?.trimmedOfBlanks, !value.isEmpty else { throw refusal(.missing, "\(header) is missing") }
        return value
    }
}

/// What is left to do once the head was looked at.
public enum SchemeCheck {
    /// Nothing: the head proves it.
    case proven
    /// A signature over the body, which is still to come.
    case signature(SignatureCheck)
}

/// Why a delivery is not proved. Names what is missing or bad; never a secret, nor what would have been right.
public struct WebhookRefusal: Error, Sendable, Equatable {
    /// The word for metrics.
    public enum Reason: String, Sendable {
        /// What the scheme looks at is not there, or empty.
        case missing
        /// It is there more than once, or not of its form.
        case malformed
        /// It was signed too long ago, or at a time that is still to come.
        case time
        /// It is of its form and not of any secret of the hook.
        case mismatch
    }

    /// The scheme's name in the settings.
    public let scheme: String
    /// The word for metrics.
    public let reason: Reason
    /// For people.
    public let detail: String
    /// What may be tried instead, for `WWW-Authenticate`.
    public let challenges: [String]
}

/// A delivery as its sender has it before it is signed.
public struct WebhookMessage: Sendable {
    /// The raw body.
    public let body: [UInt8]
    /// The sender's id of the delivery.
    public let id: String
    /// Unix time in seconds.
    public let time: Int64

    /// A message.
    public init(body: [UInt8], id: String, time: Int64) {
        self.body = body
        self.id = id
        self.time = time
    }
}

/// What a scheme adds to a delivery.
public struct SignedParts: Sendable {
    /// Headers in their order.
    public let headers: [(name: String, value: String)]
    /// The last segment of the path.
    public let pathSecret: String?

    init(_ headers: [(name: String, value: String)] = [], pathSecret: String? = nil) {
        self.headers = headers
        self.pathSecret = pathSecret
    }
}

/// What one scheme may hold and one delivery may bring, so that a delivery that is refused costs little.
public enum SignatureLimits {
    /// Secrets of one scheme, each a MAC over the body: two while one replaces the other, and some to spare.
    public static let secrets = 4
    /// Public keys of one scheme, each a verification for each signature that is offered.
    public static let publicKeys = 2
    /// MACs in one header.
    public static let codes = 8
    /// Ed25519 signatures in one header.
    public static let keySignatures = 2
    /// Schemes of one hook.
    public static let schemes = 8
    /// `all` and `any` inside one another.
    public static let depth = 3
    /// Bytes of an id that is signed.
    public static let identifier = 256
    /// The time tolerance when nothing is said, in seconds: that of the providers' own libraries.
    public static let tolerance: Int64 = 300
    /// Bytes that a secret in a path has at least: nothing else stands between the hook and the network.
    public static let pathSecret = 16
}

extension String {
    /// The bytes without optional white space around them (RFC 9110 section 5.6.3).
    var trimmedOfBlanks: ArraySlice<UInt8> {
        var bytes = Array(utf8)[...]
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }
}
