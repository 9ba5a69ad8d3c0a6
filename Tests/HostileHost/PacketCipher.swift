import Authentication
import COpenSSL
import TestSupport

/// One direction of an encrypted connection: aes256-ctr and hmac-sha2-256 (RFC 4344 section 4, RFC 6668).
final class PacketCipher {
    static let macLength = 32
    private let context = EVP_CIPHER_CTX_new()
    private let key: HMACKey

    init(key: [UInt8], iv: [UInt8], mac: [UInt8]) throws {
        self.key = try HMACKey(SecretBytes(copying: mac), hash: .sha256)
        // Counter mode: the same operation both ways.
        guard EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), nil, key, iv) == 1 else { throw TestBedError("aes256-ctr") }
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    func apply(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: bytes.count)
        var count: Int32 = 0
        EVP_EncryptUpdate(context, &output, &count, bytes, Int32(bytes.count))
        return output
    }

    func mac(_ sequence: UInt32, _ packet: [UInt8]) -> [UInt8] {
        var writer = MessageWriter()
        writer.uint32(sequence)
        return key.code(for: writer.bytes + packet)
    }
}

/// One side of an X25519 agreement (RFC 7748).
final class X25519 {
    private let key: OpaquePointer

    init() throws {
        var key: OpaquePointer?
        let context = EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, nil)
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_keygen(context, &key) == 1, let key else {
            throw TestBedError("X25519 key")
        }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    var publicKey: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = 32
        EVP_PKEY_get_raw_public_key(key, &bytes, &count)
        return bytes
    }

    func secret(with peer: [UInt8]) throws -> [UInt8] {
        let other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, peer, peer.count)
        defer { EVP_PKEY_free(other) }
        let context = EVP_PKEY_CTX_new(key, nil)
        defer { EVP_PKEY_CTX_free(context) }
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = 32
        guard EVP_PKEY_derive_init(context) == 1, EVP_PKEY_derive_set_peer(context, other) == 1,
            EVP_PKEY_derive(context, &bytes, &count) == 1
        else { throw TestBedError("X25519 agreement") }
        return bytes
    }
}
