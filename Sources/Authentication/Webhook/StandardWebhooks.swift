/// Standard Webhooks: an id, a time and signatures in three headers, over `id.time.body`.
///
/// `v1` is base64 of HMAC-SHA256 under a secret written `whsec_` and base64; `v1a` is base64 of an Ed25519 signature, verified with a key
/// written `whpk_` and base64 of its 32 bytes, with which nobody can sign. One signature that matches is enough; versions that no key
/// here is for are passed over. The id must not have a full stop, which says where it ends.
/// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
public final class StandardWebhooks: WebhookScheme {
    /// Who speaks it, and under which names.
    public struct Dialect: Sendable {
        let name: String
        let title: String
        let challenge: String
        /// What the three headers begin with.
        let prefix: String

        /// The names of the specification.
        public static let standard = Dialect(
            name: "standard-webhooks", title: "a Standard Webhooks signature", challenge: "Standard-Webhooks", prefix: "webhook")
        /// The names of Svix, whose scheme became the standard.
        public static let svix = Dialect(
            name: "standard-webhooks", title: "a Standard Webhooks signature", challenge: "Standard-Webhooks", prefix: "svix")
    }

    /// What it is called, and what it asks for.
    public let about: SchemeDescription
    private let dialect: Dialect
    private let keys: [HMACKey]
    private let publicKeys: [Ed25519PublicKey]
    private let signingKey: Ed25519PrivateKey?
    private let tolerance: Int64
    /// Its headers go on to the executor, which verifies them again.
    public let forwards: Bool

    /// - Parameters:
    ///   - publicKeys: as ``publicKey(_:)`` reads them.
    ///   - signingKey: for a sender; its public half counts as one of the keys.
    ///   - tolerance: seconds that the signed time may lie before or behind now.
    /// - Throws: ``AuthenticationError`` when there is neither a secret nor a key, too many of either, or a secret that is none.
    public init(
        _ dialect: Dialect = .standard, secrets: [SecretBytes] = [], publicKeys: [Ed25519PublicKey] = [],
        signingKey: Ed25519PrivateKey? = nil, tolerance: Int64 = SignatureLimits.tolerance, forwards: Bool = false
    ) throws(AuthenticationError) {
        self.dialect = dialect
        about = SchemeDescription(
            name: dialect.name, summary: "\(dialect.title) over an id, a time and the body, \(tolerance) s tolerated",
            challenge: dialect.challenge, covers: .body(id: "\(dialect.prefix)-id"))
        self.tolerance = tolerance
        self.forwards = forwards
        self.signingKey = signingKey
        self.publicKeys = publicKeys + [signingKey?.publicKey].compactMap { $0 }
        guard self.publicKeys.count <= SignatureLimits.publicKeys else {
            throw AuthenticationError(
                .tooLarge, "\(self.publicKeys.count) public keys, the limit is \(SignatureLimits.publicKeys)")
        }
        var decoded: [SecretBytes] = []
        for secret in secrets { decoded.append(try secret.decodedWebhookSecret()) }
        keys = decoded.isEmpty && !self.publicKeys.isEmpty ? [] : try HMACKey.keys(decoded, hash: .sha256)
    }

    /// Reads `whpk_` and base64 of the 32 bytes.
    ///
    /// - Throws: ``AuthenticationError`` when it is something else.
    public static func publicKey(_ text: String) throws(AuthenticationError) -> Ed25519PublicKey {
        guard text.hasPrefix(publicPrefix), let raw = Base64.decode(text.utf8.dropFirst(publicPrefix.utf8.count)), raw.count == 32
        else {
            throw AuthenticationError(.badKey, "not a Standard Webhooks public key: expected `whpk_` and 44 characters of base64")
        }
        return try Ed25519PublicKey(raw: raw)
    }

    /// The form that ``publicKey(_:)`` reads.
    public static func text(_ key: Ed25519PublicKey) -> String { publicPrefix + Base64.encode(key.raw) }

    private static let publicPrefix = "whpk_"

    /// Id, time and signatures as they came; nil when one of them is not there once.
    public func signedHeaders(of head: some DeliveryHead) -> (id: String, time: String, signatures: String)? {
        let values = ["id", "timestamp", "signature"].map { head.values(of: "\(dialect.prefix)-\($0)") }
        guard values.allSatisfy({ $0.count == 1 }) else { return nil }
        return (values[0][0], values[1][0], values[2][0])
    }

    private var header: String { dialect.prefix + "-signature" }

    /// Takes id, time and signatures from the headers.
    public func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> SchemeCheck {
        let header = header
        let offered = try single(header, in: head)
        let id = try identifier(dialect.prefix + "-id", in: head, without: [UInt8(ascii: ".")])
        let stamp = dialect.prefix + "-timestamp"
        let time = try time(single(stamp, in: head), in: stamp, now: now, tolerance: tolerance)
        var codes: [[UInt8]] = []
        var signatures: [[UInt8]] = []
        for element in offered.split(separator: 0x20) {
            if !keys.isEmpty, element.starts(with: "v1,".utf8) {
                codes.append(try decode(element.dropFirst(3), count: SHA256.byteCount))
            } else if !publicKeys.isEmpty, element.starts(with: "v1a,".utf8) {
                signatures.append(try decode(element.dropFirst(4), count: 64))
            }
        }
        guard codes.count <= SignatureLimits.codes, signatures.count <= SignatureLimits.keySignatures else {
            throw refusal(.malformed, "\(header) has too many signatures")
        }
        guard !codes.isEmpty || !signatures.isEmpty else {
            throw refusal(.malformed, "\(header) has no signature of the version that is accepted (\(versions))")
        }
        let prefix = id + [UInt8(ascii: ".")] + time.text + [UInt8(ascii: ".")]
        let keyed =
            signatures.isEmpty
            ? nil : SignatureCheck.KeySignatures(keys: publicKeys, signatures: signatures, prefix: Array(prefix))
        return .signature(
            SignatureCheck(self, header: header, keys: keys, codes: codes, prefix: Array(prefix), keyed: keyed))
    }

    private var versions: String {
        [keys.isEmpty ? nil : "v1", publicKeys.isEmpty ? nil : "v1a"].compactMap { $0 }.joined(separator: ", ")
    }

    private func decode(_ text: ArraySlice<UInt8>, count: Int) throws(WebhookRefusal) -> [UInt8] {
        guard let bytes = HMACScheme.Encoding.base64.decode(text, count: count) else {
            throw refusal(.malformed, "a signature in \(header) is not base64 of \(count) bytes")
        }
        return bytes
    }

    /// The three headers that a sender adds, with a signature of each version it has a key for.
    public func sign(_ message: WebhookMessage) throws(AuthenticationError) -> SignedParts {
        let signed = Array("\(message.id).\(message.time).".utf8) + message.body
        var signatures: [String] = []
        if let key = keys.first { signatures.append("v1," + Base64.encode(key.code(for: signed))) }
        if let signingKey { signatures.append("v1a," + Base64.encode(try signingKey.sign(signed))) }
        guard !signatures.isEmpty else { throw AuthenticationError(.notSupported, "with a public key nobody can sign") }
        return SignedParts([
            ("\(dialect.prefix)-id", message.id), ("\(dialect.prefix)-timestamp", "\(message.time)"),
            (header, signatures.joined(separator: " ")),
        ])
    }
}
