internal import COpenSSL

/// OpenSSL keys made from their numbers; OpenSSL checks that a point lies on its curve.
enum KeyData {
    /// A public key, or with `secret` a private one, on a named curve. `point` is uncompressed: 04‖x‖y.
    static func ellipticCurve(group: String, point: [UInt8], secret: SecretBytes? = nil) throws(AuthenticationError) -> KeyHandle {
        guard let builder = unsafe OSSL_PARAM_BLD_new() else { throw .library("make EC key") }
        defer { unsafe OSSL_PARAM_BLD_free(builder) }
        var number: OpaquePointer?
        defer { unsafe BN_clear_free(number) }
        guard unsafe OSSL_PARAM_BLD_push_utf8_string(builder, "group", group, 0) == 1,
            unsafe OSSL_PARAM_BLD_push_octet_string(builder, "pub", point, point.count) == 1
        else { throw .library("make EC key") }
        if let secret {
            unsafe number = unsafe secret.withUnsafeBytes { unsafe BN_bin2bn($0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count), nil) }
            guard unsafe OSSL_PARAM_BLD_push_BN(builder, "priv", number) == 1 else { throw .library("make EC key") }
        }
        return try unsafe finish(builder, type: "EC", selection: secret == nil ? publicKey : keyPair)
    }

    /// A public RSA key.
    static func rsa(modulus: [UInt8], exponent: [UInt8]) throws(AuthenticationError) -> KeyHandle {
        guard let builder = unsafe OSSL_PARAM_BLD_new() else { throw .library("make RSA key") }
        defer { unsafe OSSL_PARAM_BLD_free(builder) }
        let n = unsafe BN_bin2bn(modulus, Int32(modulus.count), nil)
        let e = unsafe BN_bin2bn(exponent, Int32(exponent.count), nil)
        defer {
            unsafe BN_free(n)
            unsafe BN_free(e)
        }
        guard unsafe OSSL_PARAM_BLD_push_BN(builder, "n", n) == 1, unsafe OSSL_PARAM_BLD_push_BN(builder, "e", e) == 1 else {
            throw .library("make RSA key")
        }
        return try unsafe finish(builder, type: "RSA", selection: publicKey)
    }

    /// The selections EVP_PKEY_PUBLIC_KEY and EVP_PKEY_KEYPAIR of evp.h, which are macros of macros and not imported.
    private static let publicKey: Int32 = 0x86
    private static let keyPair: Int32 = 0x87

    private static func finish(_ builder: OpaquePointer, type: String, selection: Int32) throws(AuthenticationError) -> KeyHandle {
        guard let parameters = unsafe OSSL_PARAM_BLD_to_param(builder) else { throw .library("make \(type) key") }
        defer { unsafe OSSL_PARAM_free(parameters) }
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { throw .library("make \(type) key") }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_fromdata_init(context) == 1, unsafe EVP_PKEY_fromdata(context, &key, selection, parameters) == 1,
            let key = unsafe key
        else { throw .library("make \(type) key") }
        let handle = unsafe KeyHandle(owning: key)
        guard let check = unsafe handle.withKey({ unsafe EVP_PKEY_CTX_new($0, nil) }) else { throw .library("check \(type) key") }
        defer { unsafe EVP_PKEY_CTX_free(check) }
        guard unsafe EVP_PKEY_public_check(check) == 1 else { throw .library("check \(type) key") }
        return handle
    }
}
