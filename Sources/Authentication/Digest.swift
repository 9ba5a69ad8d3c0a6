internal import COpenSSL

/// SHA-256 (FIPS 180-4), over a message that comes in pieces. Used by one task at a time.
@safe public final class SHA256 {
    /// Bytes of a digest.
    public static let byteCount = 32

    private let context: OpaquePointer

    /// The digest of nothing yet.
    public init() {
        // OpenSSL without SHA-256 cannot protect anything: there is no answer to give, here and below.
        guard let context = unsafe EVP_MD_CTX_new() else { fatalError("no memory for a digest") }
        unsafe self.context = unsafe context
        precondition(unsafe EVP_DigestInit_ex2(context, EVP_sha256(), nil) == 1, "SHA-256 is not available")
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Adds bytes.
    public func update(_ bytes: some Collection<UInt8>) {
        let done = unsafe bytes.withContiguousBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(done == 1, "SHA-256 failed")
    }

    /// The digest of what was added. Call once.
    public func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.byteCount)
        precondition(unsafe EVP_DigestFinal_ex(context, &digest, nil) == 1, "a digest is finished once")
        return digest
    }

    /// The digest of `bytes`.
    public static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let digest = SHA256()
        digest.update(bytes)
        return digest.finish()
    }
}

extension Collection where Element == UInt8 {
    /// Lends the bytes in one piece, copied only where they are not in one already.
    func withContiguousBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        if let result = withContiguousStorageIfAvailable(body) { return result }
        return unsafe Array(self).withUnsafeBufferPointer(body)
    }
}

/// Comparison whose time says nothing about where two values differ.
public enum ConstantTime {
    /// True when both have the same length and the same bytes.
    public static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        unsafe left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
