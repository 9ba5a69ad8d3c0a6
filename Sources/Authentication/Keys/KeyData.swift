internal import COpenSSL

/// OpenSSL keys made from their numbers; OpenSSL checks that a point lies on its curve and that the halves of a pair belong
/// together.
enum KeyData {
    /// Names of an RSA key's private numbers in RFC 7518 section 6.3.2 and what OpenSSL calls them.
    static let rsaSecrets: [(jwk: String, openSSL: StaticString)] = [
        ("d", "d"), ("p", "rsa-factor1"), ("q", "rsa-factor2"), ("dp", "rsa-exponent1"), ("dq", "rsa-exponent2"),
        ("qi", "rsa-coefficient1"),
    ]

    /// A public key, or with `secret` a private one, on a named curve. `point` is uncompressed: 04‖x‖y.
    static func ellipticCurve(
        group: String, point: [UInt8], secret: SecretBytes? = nil
    ) throws(AuthenticationError) -> KeyHandle {
        let parameters = try KeyParameters(type: "EC")
        try parameters.add("group", text: group)
        try parameters.add("pub", bytes: point)
        if let secret { try parameters.add("priv", number: secret) }
        return try parameters.key(isPair: secret != nil)
    }

    /// A public RSA key, or with `secrets`, named as OpenSSL names them, a private one.
    static func rsa(
        modulus: [UInt8], exponent: [UInt8], secrets: [(name: StaticString, value: SecretBytes)] = []
    ) throws(AuthenticationError) -> KeyHandle {
        let parameters = try KeyParameters(type: "RSA")
        try parameters.add("n", number: SecretBytes(copying: modulus))
        try parameters.add("e", number: SecretBytes(copying: exponent))
        for secret in secrets { try parameters.add(secret.name, number: secret.value) }
        return try parameters.key(isPair: !secrets.isEmpty)
    }

    /// An Ed25519 key from its 32 raw bytes.
    static func ed25519(publicKey raw: [UInt8]) throws(AuthenticationError) -> KeyHandle {
        guard raw.count == 32, let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, raw, raw.count) else {
            ERR_clear_error()
            throw AuthenticationError(.badKey, "an Ed25519 public key has 32 bytes")
        }
        return unsafe KeyHandle(owning: key)
    }

    /// The private Ed25519 key with this seed, whose public half must be `publicKey`.
    static func ed25519(seed: UnsafeRawBufferPointer, publicKey: [UInt8]) throws(AuthenticationError) -> KeyHandle {
        // By way of PKCS#8 (RFC 8410 section 7): what it is given as raw bytes, OpenSSL 3.0 does not keep in its locked heap.
        let head: [UInt8] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]
        let document = unsafe SecretBytes(count: head.count + seed.count) { out in
            unsafe out.copyBytes(from: head)
            unsafe UnsafeMutableRawBufferPointer(rebasing: out[head.count...]).copyBytes(from: seed)
        }
        let read = unsafe document.withUnsafeBytes { bytes in
            var place = unsafe bytes.bindMemory(to: UInt8.self).baseAddress
            return unsafe d2i_PrivateKey(EVP_PKEY_ED25519, nil, &place, bytes.count)
        }
        guard seed.count == 32, let key = unsafe read else {
            ERR_clear_error()
            throw AuthenticationError(.badKey, "an Ed25519 private key has 32 bytes")
        }
        let handle = unsafe KeyHandle(owning: key)
        guard try handle.rawPublicKey() == publicKey else {
            throw AuthenticationError(.badKey, "the private half is not that of the public half")
        }
        return handle
    }
}

/// The numbers of a key on their way into OpenSSL, which keeps pointers to names and values until the key is made: the names are
/// static, the values are held here.
@safe private final class KeyParameters {
    private let type: String
    private let builder: OpaquePointer
    private var numbers: [OpaquePointer] = unsafe []
    private var values: [SecretBytes] = []

    init(type: String) throws(AuthenticationError) {
        guard let builder = unsafe OSSL_PARAM_BLD_new() else { throw .library("make \(type) key") }
        unsafe self.builder = unsafe builder
        self.type = type
    }

    deinit {
        unsafe OSSL_PARAM_BLD_free(builder)
        unsafe numbers.forEach { unsafe BN_clear_free($0) }
    }

    func add(_ name: StaticString, text: String) throws(AuthenticationError) {
        let value = SecretBytes(copying: text.utf8)
        values.append(value)
        let done = unsafe value.withUnsafeBytes { bytes in
            unsafe OSSL_PARAM_BLD_push_utf8_string(
                builder, name.cString, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
        }
        guard done == 1 else { throw .library("make \(type) key") }
    }

    func add(_ name: StaticString, bytes: [UInt8]) throws(AuthenticationError) {
        let value = SecretBytes(copying: bytes)
        values.append(value)
        let done = unsafe value.withUnsafeBytes { bytes in
            unsafe OSSL_PARAM_BLD_push_octet_string(builder, name.cString, bytes.baseAddress, bytes.count)
        }
        guard done == 1 else { throw .library("make \(type) key") }
    }

    func add(_ name: StaticString, number: SecretBytes) throws(AuthenticationError) {
        let value = unsafe number.withUnsafeBytes { bytes in
            unsafe BN_bin2bn(bytes.bindMemory(to: UInt8.self).baseAddress, Int32(bytes.count), nil)
        }
        guard let value = unsafe value else { throw .library("make \(type) key") }
        unsafe numbers.append(value)
        guard unsafe OSSL_PARAM_BLD_push_BN(builder, name.cString, value) == 1 else {
            throw .library("make \(type) key")
        }
    }

    /// EVP_PKEY_PUBLIC_KEY and EVP_PKEY_KEYPAIR of evp.h, which are macros of macros and not imported.
    private static let selection: (publicKey: Int32, pair: Int32) = (0x86, 0x87)

    func key(isPair: Bool) throws(AuthenticationError) -> KeyHandle {
        guard let parameters = unsafe OSSL_PARAM_BLD_to_param(builder) else { throw .library("make \(type) key") }
        defer { unsafe OSSL_PARAM_free(parameters) }
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { throw .library("make \(type) key") }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        let selection = isPair ? Self.selection.pair : Self.selection.publicKey
        guard unsafe EVP_PKEY_fromdata_init(context) == 1,
            unsafe EVP_PKEY_fromdata(context, &key, selection, parameters) == 1, let key = unsafe key
        else { throw .library("make \(type) key") }
        let handle = unsafe KeyHandle(owning: key)
        guard let check = unsafe handle.withKey({ unsafe EVP_PKEY_CTX_new($0, nil) }) else {
            throw .library("check \(type) key")
        }
        defer { unsafe EVP_PKEY_CTX_free(check) }
        guard unsafe (isPair ? EVP_PKEY_check(check) : EVP_PKEY_public_check(check)) == 1 else {
            throw .library("check \(type) key")
        }
        return handle
    }
}
