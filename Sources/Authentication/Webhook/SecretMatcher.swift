/// Tells whether a text is one of some secrets, in a time that says nothing about them, nor about their lengths.
///
/// Both sides are hashed under a random key of this object, and the hashes are compared: what is compared is of one length, and a sender
/// cannot choose it.
final class SecretMatcher: Sendable {
    private let key: HMACKey
    private let expected: [[UInt8]]

    /// - Parameter prefix: what stands before each secret.
    /// - Throws: ``AuthenticationError`` when there is no secret, an empty one, or more than ``SignatureLimits/secrets``.
    init(_ secrets: [SecretBytes], after prefix: String = "") throws(AuthenticationError) {
        guard !secrets.isEmpty, secrets.allSatisfy({ $0.count > 0 }) else {
            throw AuthenticationError(.emptySecret, "no secret to compare with, or an empty one")
        }
        guard secrets.count <= SignatureLimits.secrets else {
            throw AuthenticationError(.tooLarge, "\(secrets.count) secrets, the limit is \(SignatureLimits.secrets)")
        }
        let key = try HMACKey(SecretBytes(copying: Random.bytes(32)), hash: .sha256)
        self.key = key
        expected = secrets.map { secret in
            let stream = key.begin()
            stream.update(prefix.utf8)
            stream.update(secret)
            return stream.finish()
        }
    }

    /// Every secret is compared, always.
    func matches(_ offered: some Collection<UInt8>) -> Bool {
        let code = key.code(for: offered)
        var matches = 0
        for secret in expected where ConstantTime.equal(code, secret) { matches += 1 }
        return matches > 0
    }
}
