/// Stripe's signature: one header with the time and MACs, `t=…,v1=…`; each hex of HMAC-SHA256 over the time, `.` and the raw body,
/// keyed with the whole secret, `whsec_` included.
///
/// Several `v1` are there while Stripe rolls a secret; other versions are passed over.
/// Source: https://docs.stripe.com/webhooks/signature#verify-manually
public final class StripeSignature: WebhookScheme {
    private static let header = "Stripe-Signature"
    /// What it is called, and what it asks for.
    public let about: SchemeDescription
    private let keys: [HMACKey]
    private let tolerance: Int64

    /// - Parameter tolerance: seconds that the signed time may lie before or behind now.
    /// - Throws: ``AuthenticationError`` when there is no secret, too many, or an empty one.
    public init(secrets: [SecretBytes], tolerance: Int64 = SignatureLimits.tolerance) throws(AuthenticationError) {
        keys = try HMACKey.keys(secrets, hash: .sha256)
        self.tolerance = tolerance
        about = SchemeDescription(
            name: "stripe", summary: "Stripe's signature over a time and the body, \(tolerance) s tolerated",
            challenge: "Stripe-Signature", covers: .body(id: nil))
    }

    /// Takes the time and the MACs from the header.
    public func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> SchemeCheck {
        var timestamp: ArraySlice<UInt8>?
        var codes: [[UInt8]] = []
        for part in try single(Self.header, in: head).split(separator: UInt8(ascii: ",")) {
            let element = part.drop { $0 == 0x20 }
            if element.starts(with: "t=".utf8) {
                guard timestamp == nil else { throw refusal(.malformed, "\(Self.header) has more than one time") }
                timestamp = element.dropFirst(2)
            } else if element.starts(with: "v1=".utf8) {
                guard let code = HMACScheme.Encoding.hex.decode(element.dropFirst(3), count: SHA256.byteCount) else {
                    throw refusal(.malformed, "v1 in \(Self.header) is not hex of \(SHA256.byteCount) bytes")
                }
                codes.append(code)
            }
        }
        guard let timestamp else { throw refusal(.malformed, "\(Self.header) has no time, t=") }
        guard !codes.isEmpty else { throw refusal(.malformed, "\(Self.header) has no signature, v1=") }
        guard codes.count <= SignatureLimits.codes else {
            throw refusal(.malformed, "\(Self.header) has more than \(SignatureLimits.codes) signatures")
        }
        let time = try time(timestamp, in: Self.header, now: now, tolerance: tolerance)
        return .signature(
            SignatureCheck(self, header: Self.header, keys: keys, codes: codes, prefix: time.text + [UInt8(ascii: ".")]))
    }

    /// The header that Stripe adds.
    public func sign(_ message: WebhookMessage) throws(AuthenticationError) -> SignedParts {
        let code = keys[0].code(for: Array("\(message.time).".utf8) + message.body)
        return SignedParts([(Self.header, "t=\(message.time),v1=\(Hex.encode(code))")])
    }
}
