internal import COpenSSL

/// An HMAC key (RFC 2104), prepared once and used for many messages at the same time.
@safe public final class HMACKey: Sendable {
    /// The hash underneath.
    public enum Hash: String, Sendable, CaseIterable {
        case sha1 = "SHA1"
        case sha256 = "SHA256"
        case sha384 = "SHA384"
        case sha512 = "SHA512"

        /// Bytes of a code.
        public var byteCount: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }
    }

    let hash: Hash
    // Keyed in init, only duplicated afterwards, which OpenSSL allows from several threads; freed in deinit.
    private nonisolated(unsafe) let template: OpaquePointer  // immutable after init

    /// - Throws: ``AuthenticationError`` for an empty key: it would let everybody sign.
    public init(_ key: SecretBytes, hash: Hash) throws(AuthenticationError) {
        guard key.count > 0 else { throw AuthenticationError(.emptySecret, "an HMAC key is empty") }
        guard let mac = unsafe EVP_MAC_fetch(nil, "HMAC", nil) else { throw .library("fetch HMAC") }
        defer { unsafe EVP_MAC_free(mac) }
        guard let context = unsafe EVP_MAC_CTX_new(mac) else { throw .library("prepare HMAC") }
        unsafe template = unsafe context
        self.hash = hash
        let done = unsafe key.withUnsafeBytes { bytes in
            unsafe hash.rawValue.withCString { name in
                let key = unsafe ("digest" as StaticString).cString
                let digest = unsafe OSSL_PARAM_construct_utf8_string(key, UnsafeMutablePointer(mutating: name), 0)
                let parameters = unsafe [digest, OSSL_PARAM_construct_end()]
                return unsafe EVP_MAC_init(context, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, parameters)
            }
        }
        guard done == 1 else { throw .library("key HMAC") }
    }

    deinit { unsafe EVP_MAC_CTX_free(template) }

    /// A code to be fed piece by piece.
    public func begin() -> HMACStream { unsafe HMACStream(template, byteCount: hash.byteCount) }

    /// The code of a whole message.
    public func code(for message: some Collection<UInt8>) -> [UInt8] {
        let stream = begin()
        stream.update(message)
        return stream.finish()
    }

    /// True when `code` is this key's for `message`; compared in constant time.
    public func verify(_ code: [UInt8], of message: some Collection<UInt8>) -> Bool {
        ConstantTime.equal(self.code(for: message), code)
    }
}

/// One code in the making. Used by one task at a time.
@safe public final class HMACStream {
    private let context: OpaquePointer
    private let byteCount: Int

    fileprivate init(_ template: OpaquePointer, byteCount: Int) {
        // With no code to compare, any answer would be a lie: here and below the process ends.
        guard let context = unsafe EVP_MAC_CTX_dup(template) else { fatalError("no memory for an HMAC") }
        unsafe self.context = unsafe context
        self.byteCount = byteCount
    }

    deinit { unsafe EVP_MAC_CTX_free(context) }

    /// Adds bytes.
    public func update(_ bytes: some Collection<UInt8>) {
        let done = unsafe bytes.withContiguousBytes { unsafe EVP_MAC_update(context, $0.baseAddress, $0.count) }
        precondition(done == 1, "HMAC failed")
    }

    /// The code. Call once.
    public func finish() -> [UInt8] {
        var code = [UInt8](repeating: 0, count: byteCount)
        var length = 0
        let done = unsafe EVP_MAC_final(context, &code, &length, code.count)
        precondition(done == 1 && length == byteCount, "HMAC failed")
        return code
    }
}
