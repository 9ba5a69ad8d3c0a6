internal import COpenSSL

/// A private key that hosts know by its public half. Signs; never shows itself.
public final class IdentityKey: Sendable {
    /// As in `ssh-ed25519`.
    public let algorithm: String
    /// Public half in SSH wire form: RFC 8709 for Ed25519, RFC 5656 for ECDSA.
    public let publicBlob: [UInt8]
    private let handle: KeyHandle
    private let signature: TokenAlgorithm

    /// Reads an unencrypted key in OpenSSH's form, PKCS#8 or SEC 1.
    ///
    /// - Throws: ``AuthenticationError`` naming `origin` and the next step for a key of another kind.
    public convenience init(_ file: SecretBytes, origin: String) throws(AuthenticationError) {
        let kind = PEMKind(file)
        switch kind {
        case .openSSH: try self.init(try OpenSSHKey.read(file, origin: origin), origin: origin)
        case .privateKey: try self.init(try KeyHandle.privateKey(pem: file, origin: origin), origin: origin)
        case .encrypted:
            throw AuthenticationError(
                .notSupported, "\(origin): the key has a passphrase; make a copy without: openssl pkey -in KEY -out COPY")
        case .publicKey: throw AuthenticationError(.badKey, "\(origin): this is the public half; the private key is needed")
        case .putty:
            throw AuthenticationError(
                .notSupported, "\(origin): a PuTTY key; convert it: puttygen KEY -O private-openssh -o COPY")
        case .unknown: throw AuthenticationError(.badKey, "\(origin): no private key in OpenSSH's or PEM form")
        }
    }

    private init(_ handle: KeyHandle, origin: String) throws(AuthenticationError) {
        if handle.isA("ED25519") {
            var blob = SSHWriter()
            blob.string("ssh-ed25519".utf8)
            blob.string(try handle.rawPublicKey())
            algorithm = "ssh-ed25519"
            publicBlob = blob.bytes
            signature = .edDSA
        } else if handle.isA("EC"), let curve = SSHCurve.all.first(where: { $0.openSSL == handle.group }) {
            algorithm = "ecdsa-sha2-\(curve.name)"
            publicBlob = try Self.blob(handle, curve)
            signature = curve.algorithm
        } else if handle.isA("RSA") {
            throw AuthenticationError(
                .notSupported,
                "\(origin): an RSA key, which the SSH library here can only use with SHA-1; make another: ssh-keygen -t ed25519")
        } else {
            throw AuthenticationError(
                .notSupported,
                "\(origin): neither Ed25519 nor ECDSA on P-256, P-384 or P-521; make one: ssh-keygen -t ed25519")
        }
        self.handle = handle
    }

    private static func blob(_ handle: KeyHandle, _ curve: SSHCurve) throws(AuthenticationError) -> [UInt8] {
        var point = [UInt8](repeating: 0, count: 256)
        var length = 0
        let done = unsafe handle.withKey { key in
            unsafe EVP_PKEY_set_utf8_string_param(key, "point-format", "uncompressed") == 1
                && EVP_PKEY_get_octet_string_param(key, "pub", &point, point.count, &length) == 1
        }
        guard done, length == 1 + 2 * curve.bytes, point[0] == 4 else { throw .library("read public half") }
        var blob = SSHWriter()
        blob.string("ecdsa-sha2-\(curve.name)".utf8)
        blob.string(curve.name.utf8)
        blob.string(point.prefix(length))
        return blob.bytes
    }

    /// As `ssh-keygen -l` prints it.
    public var fingerprint: String { "SHA256:" + Base64.encode(SHA256.hash(publicBlob)).prefix { $0 != "=" } }

    /// The line for a host's authorized_keys file.
    public func authorizedKeysLine(comment: String) -> String { "\(algorithm) \(Base64.encode(publicBlob)) \(comment)" }

    /// The signature over `message` without the algorithm's name: 64 bytes for Ed25519, two mpints for ECDSA (RFC 5656 section
    /// 3.1.2).
    public func sign(_ message: [UInt8]) throws(AuthenticationError) -> [UInt8] {
        let raw = try AsymmetricSignature.sign(message, algorithm: signature, key: handle)
        guard let curve = signature.curve else { return raw }
        guard let (r, s) = ECDSASignature.parts(fromDER: raw, bytes: curve.bytes) else { throw .library("sign") }
        var writer = SSHWriter()
        writer.mpint(r)
        writer.mpint(s)
        return writer.bytes
    }
}

/// The curves of RFC 5656 that OpenSSH knows.
struct SSHCurve {
    let name: String
    let openSSL: String
    let bytes: Int
    let algorithm: TokenAlgorithm

    static let all = [
        SSHCurve(name: "nistp256", openSSL: "prime256v1", bytes: 32, algorithm: .es256),
        SSHCurve(name: "nistp384", openSSL: "secp384r1", bytes: 48, algorithm: .es384),
        SSHCurve(name: "nistp521", openSSL: "secp521r1", bytes: 66, algorithm: .es512),
    ]
}

/// What a key file says it is in its first line.
enum PEMKind {
    case openSSH, privateKey, encrypted, publicKey, putty, unknown

    init(_ file: SecretBytes) {
        // The first line is no secret; no more than that is looked at here.
        let line = unsafe file.withUnsafeBytes { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0x0a && $0 != 0x0d }.prefix(64), as: UTF8.self)
        }
        let head = unsafe file.withUnsafeBytes { bytes in
            unsafe String(decoding: bytes.prefix(160).filter { $0 < 0x80 }, as: UTF8.self).contains("Proc-Type: 4,ENCRYPTED")
        }
        switch line {
        case "-----BEGIN OPENSSH PRIVATE KEY-----": self = .openSSH
        case "-----BEGIN PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----":
            self = head ? .encrypted : .privateKey
        case "-----BEGIN ENCRYPTED PRIVATE KEY-----": self = .encrypted
        default:
            if line.hasPrefix("ssh-") || line.hasPrefix("ecdsa-") || line.contains("PUBLIC KEY") {
                self = .publicKey
            } else {
                self = line.hasPrefix("PuTTY-User-Key-File") ? .putty : .unknown
            }
        }
    }
}
