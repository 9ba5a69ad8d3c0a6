internal import COpenSSL

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
    /// - Throws: ``AuthenticationError`` when it is shorter than the hash (RFC 7518 section 3.2) or the algorithm is no HMAC.
    public init(secret: SecretBytes, algorithm: TokenAlgorithm = .hs256, id: String? = nil) throws(AuthenticationError) {
        guard algorithm.family == .hmac else {
            throw AuthenticationError(.badKey, "a shared secret is for HS256, HS384 and HS512, not for \(algorithm.rawValue)")
        }
        guard secret.count >= algorithm.hmacHash.byteCount else {
            throw AuthenticationError(
                .badKey, "a secret for \(algorithm.rawValue) needs \(algorithm.hmacHash.byteCount) bytes or more, this one has \(secret.count)")
        }
        self.init(id: id, algorithm: algorithm, material: .secret(try HMACKey(secret, hash: algorithm.hmacHash)))
    }

    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        switch material {
        case .secret(let key): return ConstantTime.equal(key.code(for: message), signature)
        case .asymmetric(let handle):
            var encoded = signature
            if let curve = algorithm.curve {
                guard signature.count == 2 * curve.bytes, let der = ECDSASignature.der(fromConcatenated: signature) else { return false }
                encoded = der
            }
            return AsymmetricSignature.verify(encoded, of: message, algorithm: algorithm, key: handle)
        }
    }
}

/// Signing and verifying with an OpenSSL key under one algorithm.
enum AsymmetricSignature {
    static func verify(_ signature: [UInt8], of message: [UInt8], algorithm: TokenAlgorithm, key: KeyHandle) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let valid = unsafe key.withKey { key in
            var parameters: OpaquePointer?
            let digest = algorithm.digestName
            let started =
                digest.isEmpty
                ? unsafe EVP_DigestVerifyInit_ex(context, &parameters, nil, nil, nil, key, nil)
                : unsafe EVP_DigestVerifyInit_ex(context, &parameters, digest, nil, nil, key, nil)
            return unsafe started == 1 && pad(parameters, algorithm)
                && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        }
        if !valid { ERR_clear_error() }
        return valid
    }

    static func sign(_ message: [UInt8], algorithm: TokenAlgorithm, key: KeyHandle) throws(AuthenticationError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .library("sign") }
        defer { unsafe EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 1024)
        var length = signature.count
        let done = unsafe key.withKey { key in
            var parameters: OpaquePointer?
            let digest = algorithm.digestName
            let started =
                digest.isEmpty
                ? unsafe EVP_DigestSignInit_ex(context, &parameters, nil, nil, nil, key, nil)
                : unsafe EVP_DigestSignInit_ex(context, &parameters, digest, nil, nil, key, nil)
            return unsafe started == 1 && pad(parameters, algorithm)
                && EVP_DigestSign(context, &signature, &length, message, message.count) == 1
        }
        guard done, length <= signature.count else { throw .library("sign with \(algorithm.rawValue)") }
        return Array(signature.prefix(length))
    }

    /// RFC 7518 section 3.5: PSS with a salt as long as the hash.
    private static func pad(_ parameters: OpaquePointer?, _ algorithm: TokenAlgorithm) -> Bool {
        guard algorithm.family == .rsaPSS else { return true }
        return unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, -1) == 1
    }
}

/// ECDSA signatures: the concatenation r‖s of RFC 7518 section 3.4, and the DER form that OpenSSL works on.
public enum ECDSASignature {
    static func der(fromConcatenated signature: [UInt8]) -> [UInt8]? {
        let half = signature.count / 2
        guard let value = unsafe ECDSA_SIG_new() else { return nil }
        defer { unsafe ECDSA_SIG_free(value) }
        let r = unsafe BN_bin2bn(Array(signature[..<half]), Int32(half), nil)
        let s = unsafe BN_bin2bn(Array(signature[half...]), Int32(half), nil)
        guard unsafe ECDSA_SIG_set0(value, r, s) == 1 else {
            unsafe BN_free(r)
            unsafe BN_free(s)
            return nil
        }
        var der: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_ECDSA_SIG(value, &der)
        guard length > 0, let bytes = unsafe der else { return nil }
        defer { unsafe CRYPTO_free(bytes, "", 0) }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: Int(length)))
    }

    /// r and s of a DER signature, each padded to `bytes`; nil when it is none.
    public static func parts(fromDER der: [UInt8], bytes: Int) -> (r: [UInt8], s: [UInt8])? {
        unsafe der.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            guard let value = unsafe d2i_ECDSA_SIG(nil, &cursor, buffer.count) else {
                ERR_clear_error()
                return nil
            }
            defer { unsafe ECDSA_SIG_free(value) }
            var r = [UInt8](repeating: 0, count: bytes)
            var s = [UInt8](repeating: 0, count: bytes)
            guard unsafe BN_bn2binpad(ECDSA_SIG_get0_r(value), &r, Int32(bytes)) == bytes,
                unsafe BN_bn2binpad(ECDSA_SIG_get0_s(value), &s, Int32(bytes)) == bytes
            else { return nil }
            return (r, s)
        }
    }
}
