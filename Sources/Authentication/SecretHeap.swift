internal import COpenSSL

/// Where OpenSSL keeps private keys: between guard pages, locked, left out of dumps, wiped when freed (CRYPTO_secure_malloc(3)). Secrets for
/// HMAC it keeps elsewhere, and wipes them there.
public enum SecretHeap {
    /// Bytes of it, for all keys of a process. An Ed25519 key takes 32, an RSA key of 4,096 bits some 4 KiB.
    static let size = 512 * 1024

    /// Call once, before the first key is read.
    ///
    /// - Throws: ``AuthenticationError`` when there is no memory for it.
    public static func prepare() throws(AuthenticationError) {
        guard CRYPTO_secure_malloc_initialized() == 0 else { return }
        // 2 where the process may not lock so much: as for other secrets, that is no reason not to start.
        guard CRYPTO_secure_malloc_init(size, 32) != 0 else { throw .library("make the heap for keys") }
    }
}
