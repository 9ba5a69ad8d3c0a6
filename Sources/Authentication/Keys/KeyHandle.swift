internal import COpenSSL

/// One OpenSSL key. Immutable once made, so it may be used from several threads; freed with the last reference.
@safe final class KeyHandle: Sendable {
    private nonisolated(unsafe) let key: OpaquePointer  // immutable after init, reference counted by OpenSSL

    /// Takes ownership of `key`.
    init(owning key: OpaquePointer) { unsafe self.key = unsafe key }

    deinit { unsafe EVP_PKEY_free(key) }

    /// Lends the pointer; it must not leave the closure.
    func withKey<R, E: Error>(_ body: (OpaquePointer) throws(E) -> R) throws(E) -> R { unsafe try body(key) }

    /// Size of the key in bits as OpenSSL counts it.
    var bits: Int { Int(unsafe EVP_PKEY_get_bits(key)) }

    /// True when it is of the type with this name, as in "RSA".
    func isA(_ type: String) -> Bool { unsafe EVP_PKEY_is_a(key, type) == 1 }

    /// The 32 bytes of an Ed25519 key's public half.
    func rawPublicKey() throws(AuthenticationError) -> [UInt8] {
        var raw = [UInt8](repeating: 0, count: 32)
        var length = raw.count
        guard unsafe EVP_PKEY_get_raw_public_key(key, &raw, &length) == 1, length == raw.count else {
            throw .library("read public half")
        }
        return raw
    }

    /// The name of the curve of an EC key.
    var group: String {
        var name = [CChar](repeating: 0, count: 64)
        var length = 0
        guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return "" }
        return String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A private key from PEM: PKCS#8, unencrypted, or a traditional form.
    static func privateKey(pem: SecretBytes, origin: String) throws(AuthenticationError) -> KeyHandle {
        let key: OpaquePointer? = unsafe pem.withUnsafeBytes { bytes in
            guard let memory = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
            defer { unsafe BIO_free(memory) }
            // An encrypted key must fail and not ask on the terminal.
            return unsafe PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let key = unsafe key else {
            ERR_clear_error()
            throw AuthenticationError(.badKey, "\(origin): no unencrypted private key in PEM form")
        }
        return unsafe KeyHandle(owning: key)
    }

    /// The private key as PKCS#8 PEM.
    func privatePEM() throws(AuthenticationError) -> SecretBytes {
        guard let memory = unsafe BIO_new(BIO_s_secmem()) else { throw .library("write private key") }
        defer { unsafe BIO_free(memory) }
        guard unsafe PEM_write_bio_PKCS8PrivateKey(memory, key, nil, nil, 0, nil, nil) == 1 else {
            throw .library("write private key")
        }
        var data: UnsafeMutablePointer<CChar>?
        let length = unsafe BIO_ctrl(memory, BIO_CTRL_INFO, 0, &data)
        guard let data = unsafe data, length > 0 else { throw .library("write private key") }
        return unsafe SecretBytes(copying: UnsafeRawBufferPointer(start: data, count: length))
    }
}
