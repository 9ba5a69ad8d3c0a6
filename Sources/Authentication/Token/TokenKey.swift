/// A key that verifies tokens, bound to exactly one algorithm: what a token says of its algorithm is only ever compared with it.
public struct TokenKey: Sendable {
    enum Material: Sendable {
        case secret(HMACKey)
        case asymmetric(KeyHandle)
    }

    /// The `kid` that tokens name it by; nil for a key without a name.
    public let id: String?
    /// The one algorithm.
    public let algorithm: TokenAlgorithm
    let material: Material

    init(id: String?, algorithm: TokenAlgorithm, material: Material) {
        self.id = id
        self.algorithm = algorithm
        self.material = material
    }

    /// A shared secret for one of the HMAC algorithms.
    ///
    /// - Throws: ``AuthenticationError`` when it is shorter than the hash (RFC 7518 section 3.2), is itself a PEM file, or the
    ///   algorithm is no HMAC.
    public init(secret: SecretBytes, algorithm: TokenAlgorithm = .hs256, id: String? = nil) throws(AuthenticationError) {
        guard algorithm.family == .hmac else {
            throw AuthenticationError(.badKey, "a shared secret is for HS256, HS384 and HS512, not for \(algorithm.rawValue)")
        }
        // A public key is known to all: as a secret, whoever can read it could sign (RFC 8725 section 2.1).
        guard unsafe !secret.withUnsafeBytes({ unsafe $0.starts(with: "-----BEGIN ".utf8) }) else {
            throw AuthenticationError(.badKey, "a PEM file is no shared secret; write the public key as a JWKS file")
        }
        let hash = algorithm.hmacHash
        guard secret.count >= hash.byteCount else {
            throw AuthenticationError(
                .badKey, "a secret for \(algorithm.rawValue) needs \(hash.byteCount) bytes or more, this one has \(secret.count)")
        }
        self.init(id: id, algorithm: algorithm, material: .secret(try HMACKey(secret, hash: hash)))
    }

    /// True for a shared secret: who can verify with it can also sign.
    public var isSymmetric: Bool { algorithm.family == .hmac }

    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        switch material {
        case .secret(let key): return key.verify(signature, of: message)
        case .asymmetric(let handle):
            var encoded = signature
            if let curve = algorithm.curve {
                guard signature.count == 2 * curve.bytes, let der = ECDSASignature.der(fromConcatenated: signature) else {
                    return false
                }
                encoded = der
            }
            return AsymmetricSignature.verify(encoded, of: message, algorithm: algorithm, key: handle)
        }
    }
}
