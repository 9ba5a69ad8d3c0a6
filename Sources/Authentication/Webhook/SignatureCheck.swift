/// One delivery's signature in the making, fed with the body as it arrives. Used by one task at a time.
public final class SignatureCheck {
    private let scheme: any WebhookScheme
    private let header: String
    private let streams: [HMACStream]
    private let codes: [[UInt8]]
    private let suffix: [UInt8]
    private let keyed: KeySignatures?

    /// Signatures of private keys. Ed25519 takes a message as a whole, so it is put together at the end.
    struct KeySignatures {
        let keys: [Ed25519PublicKey]
        let signatures: [[UInt8]]
        /// What is signed before the body.
        let prefix: [UInt8]
    }

    /// - Parameters:
    ///   - codes: the MACs that the sender offers.
    ///   - prefix: what is signed before the body.
    ///   - suffix: what is signed behind it.
    init(
        _ scheme: any WebhookScheme, header: String, keys: [HMACKey], codes: [[UInt8]], prefix: [UInt8] = [],
        suffix: [UInt8] = [],
        keyed: KeySignatures? = nil
    ) {
        self.scheme = scheme
        self.header = header
        self.codes = codes
        self.suffix = suffix
        self.keyed = keyed
        streams = codes.isEmpty ? [] : keys.map { $0.begin() }
        if !prefix.isEmpty { for stream in streams { stream.update(prefix) } }
    }

    /// Adds bytes of the raw body.
    public func update(_ bytes: some Collection<UInt8>) {
        for stream in streams { stream.update(bytes) }
    }

    /// Every signature that is offered is held against every secret and key, always. Call once.
    ///
    /// - Parameter body: the whole body, of which ``update(_:)`` got the pieces.
    /// - Throws: the refusal when none matches.
    public func finish(body: some Collection<UInt8>) throws(WebhookRefusal) {
        var matches = 0
        for stream in streams {
            if !suffix.isEmpty { stream.update(suffix) }
            let code = stream.finish()
            for offer in codes where ConstantTime.equal(code, offer) { matches += 1 }
        }
        if let keyed {
            let message = keyed.prefix + body
            for key in keyed.keys {
                for signature in keyed.signatures where key.verify(signature: signature, of: message) { matches += 1 }
            }
        }
        guard matches > 0 else { throw scheme.refusal(.mismatch, "the signature in \(header) does not match") }
    }
}
