internal import COpenSSL

/// A private Ed25519 key (RFC 8032) that signs messages between our own processes.
public final class Ed25519PrivateKey: Sendable {
    let handle: KeyHandle

    /// The public half.
    public let publicKey: Ed25519PublicKey

    private init(_ handle: KeyHandle) throws(AuthenticationError) {
        var raw = [UInt8](repeating: 0, count: 32)
        var length = raw.count
        let done = unsafe handle.withKey { unsafe EVP_PKEY_get_raw_public_key($0, &raw, &length) }
        guard done == 1, length == 32 else { throw .library("read public half") }
        self.handle = handle
        publicKey = try Ed25519PublicKey(raw: raw)
    }

    /// A new key.
    public static func generate() throws(AuthenticationError) -> Ed25519PrivateKey {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, "ED25519", nil) else { throw .library("generate key") }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_keygen_init(context) == 1, unsafe EVP_PKEY_generate(context, &key) == 1, let key = unsafe key else {
            throw .library("generate key")
        }
        return try unsafe Ed25519PrivateKey(KeyHandle(owning: key))
    }

    /// Reads PKCS#8 PEM.
    ///
    /// - Throws: ``AuthenticationError`` naming `origin` when it is something else.
    public convenience init(pem: SecretBytes, origin: String) throws(AuthenticationError) {
        let handle = try KeyHandle.privateKey(pem: pem, origin: origin)
        guard handle.isA("ED25519") else {
            throw AuthenticationError(.badKey, "\(origin): not an Ed25519 key; make one with: sallyport keygen \(origin)")
        }
        try self.init(handle)
    }

    /// The key as PKCS#8 PEM.
    public func pem() throws(AuthenticationError) -> SecretBytes { try handle.privatePEM() }

    /// 64 bytes over `message`.
    public func sign(_ message: [UInt8]) throws(AuthenticationError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .library("sign") }
        defer { unsafe EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var length = signature.count
        let done = unsafe handle.withKey { key in
            unsafe EVP_DigestSignInit_ex(context, nil, nil, nil, nil, key, nil) == 1
                && EVP_DigestSign(context, &signature, &length, message, message.count) == 1
        }
        guard done, length == 64 else { throw .library("sign") }
        return signature
    }
}

/// A public Ed25519 key. In settings: `ed25519:` and the 32 bytes in base64.
public final class Ed25519PublicKey: Sendable, CustomStringConvertible {
    /// The 32 bytes.
    public let raw: [UInt8]
    private let handle: KeyHandle

    /// - Throws: ``AuthenticationError`` unless `raw` has 32 bytes.
    public init(raw: [UInt8]) throws(AuthenticationError) {
        guard raw.count == 32, let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, raw, raw.count) else {
            ERR_clear_error()
            throw AuthenticationError(.badKey, "an Ed25519 public key has 32 bytes")
        }
        self.raw = raw
        handle = unsafe KeyHandle(owning: key)
    }

    /// Reads the form of the settings.
    public convenience init(text: String) throws(AuthenticationError) {
        guard text.hasPrefix(Self.prefix), let raw = Base64.decode(Array(text.utf8.dropFirst(Self.prefix.utf8.count))), raw.count == 32
        else { throw AuthenticationError(.badKey, "not a public key: expected `ed25519:` and 44 characters of base64") }
        try self.init(raw: raw)
    }

    private static let prefix = "ed25519:"

    /// The form of the settings.
    public var description: String { Self.prefix + Base64.encode(raw) }

    /// True when `signature` is this key's over `message`. May be called from several threads at once.
    public func verify(signature: [UInt8], of message: [UInt8]) -> Bool {
        guard signature.count == 64, let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let valid = unsafe handle.withKey { key in
            unsafe EVP_DigestVerifyInit_ex(context, nil, nil, nil, nil, key, nil) == 1
                && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        }
        if !valid { ERR_clear_error() }
        return valid
    }
}
