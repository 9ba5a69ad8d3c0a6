internal import COpenSSL

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
