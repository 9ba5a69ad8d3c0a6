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
                var parameters = unsafe [
                    OSSL_PARAM_construct_utf8_string("digest", UnsafeMutablePointer(mutating: name), 0), OSSL_PARAM_construct_end(),
                ]
                return unsafe EVP_MAC_init(context, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &parameters)
            }
        }
        guard done == 1 else { throw .library("key HMAC") }
    }

    deinit { unsafe EVP_MAC_CTX_free(template) }

    /// A code to be fed piece by piece.
    public func begin() -> HMACStream { unsafe HMACStream(template, byteCount: hash.byteCount) }

    /// The code of a whole message.
    public func code(for message: [UInt8]) -> [UInt8] {
        let stream = begin()
        stream.update(message)
        return stream.finish()
    }
}

/// One code in the making. Used by one task at a time.
@safe public final class HMACStream {
    private let context: OpaquePointer?
    private let byteCount: Int

    fileprivate init(_ template: OpaquePointer, byteCount: Int) {
        unsafe context = unsafe EVP_MAC_CTX_dup(template)
        self.byteCount = byteCount
    }

    deinit { unsafe EVP_MAC_CTX_free(context) }

    /// Adds bytes.
    public func update(_ bytes: some Collection<UInt8>) {
        let done = bytes.withContiguousStorageIfAvailable { unsafe EVP_MAC_update(context, $0.baseAddress, $0.count) }
        if done == nil {
            let copy = Array(bytes)
            _ = unsafe EVP_MAC_update(context, copy, copy.count)
        }
    }

    /// The code; empty when OpenSSL failed, which equals no code of a sender.
    public func finish() -> [UInt8] {
        var code = [UInt8](repeating: 0, count: byteCount)
        var length = 0
        guard unsafe EVP_MAC_final(context, &code, &length, code.count) == 1, length == byteCount else {
            ERR_clear_error()
            return []
        }
        return code
    }
}
