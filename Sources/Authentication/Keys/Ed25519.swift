internal import COpenSSL

/// A private Ed25519 key (RFC 8032) that signs messages between our own processes.
public final class Ed25519PrivateKey: Sendable {
    let handle: KeyHandle

    /// The public half.
    public let publicKey: Ed25519PublicKey

    private init(_ handle: KeyHandle) throws(AuthenticationError) {
        self.handle = handle
        publicKey = try Ed25519PublicKey(raw: handle.rawPublicKey())
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

    /// The key in OpenSSH's own form: OpenSSH 9.2 reads no Ed25519 key in PKCS#8.
    public func openSSH(comment: String) throws(AuthenticationError) -> SecretBytes {
        try OpenSSHKey.write(handle, comment: comment)
    }

    /// The public half as a line for a host's authorized_keys file.
    public func authorizedKeysLine(comment: String) throws(AuthenticationError) -> String {
        try IdentityKey(openSSH(comment: comment), origin: "key").authorizedKeysLine(comment: comment)
    }

    /// 64 bytes over `message`.
    public func sign(_ message: [UInt8]) throws(AuthenticationError) -> [UInt8] {
        try AsymmetricSignature.sign(message, algorithm: .edDSA, key: handle)
    }
}

/// A public Ed25519 key. In settings: `ed25519:` and the 32 bytes in base64.
public final class Ed25519PublicKey: Sendable, CustomStringConvertible {
    /// The 32 bytes.
    public let raw: [UInt8]
    private let handle: KeyHandle

    /// - Throws: ``AuthenticationError`` unless `raw` has 32 bytes.
    public init(raw: [UInt8]) throws(AuthenticationError) {
        self.raw = raw
        handle = try KeyData.ed25519(publicKey: raw)
    }

    /// Reads the form of the settings.
    public convenience init(text: String) throws(AuthenticationError) {
        guard text.hasPrefix(Self.prefix), let raw = Base64.decode(text.utf8.dropFirst(Self.prefix.utf8.count)), raw.count == 32
        else { throw AuthenticationError(.badKey, "not a public key: expected `ed25519:` and 44 characters of base64") }
        try self.init(raw: raw)
    }

    private static let prefix = "ed25519:"

    /// The form of the settings.
    public var description: String { Self.prefix + Base64.encode(raw) }

    /// True when `signature` is this key's over `message`. May be called from several threads at once.
    public func verify(signature: [UInt8], of message: [UInt8]) -> Bool {
        signature.count == 64 && AsymmetricSignature.verify(signature, of: message, algorithm: .edDSA, key: handle)
    }
}
