internal import COpenSSL

/// A private key that hosts know by its public half. Signs, or says which ssh-agent does; never shows itself.
public final class IdentityKey: Sendable {
    private enum Source: Sendable {
        case here(KeyHandle, TokenAlgorithm)
        case agent(SSHAgentPlace)
    }

    /// What a host is told: as in `ssh-ed25519`, or the certificate's.
    public var algorithm: String { certificate?.algorithm ?? publicKey.algorithm }
    /// What a host is shown, in SSH wire form: the public half (RFC 8709 for Ed25519, RFC 5656 for ECDSA), or the certificate.
    public var publicBlob: [UInt8] { certificate?.blob ?? publicKey.blob }
    /// The public half.
    public let publicKey: SSHPublicKey
    /// What a CA says of it.
    public let certificate: SSHCertificate?
    private let source: Source

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

    /// A key that an ssh-agent has.
    public init(_ publicKey: SSHPublicKey, at agent: SSHAgentPlace) {
        self.publicKey = publicKey
        source = .agent(agent)
        certificate = nil
    }

    private init(_ other: IdentityKey, _ certificate: SSHCertificate) {
        publicKey = other.publicKey
        source = other.source
        self.certificate = certificate
    }

    /// The same key, shown to hosts with a certificate.
    public func with(_ certificate: SSHCertificate) -> IdentityKey { IdentityKey(self, certificate) }

    /// Who signs instead; nil when the private half is here.
    public var agent: SSHAgentPlace? { if case .agent(let place) = source { place } else { nil } }

    private init(_ handle: KeyHandle, origin: String) throws(AuthenticationError) {
        if handle.isA("ED25519") {
            var blob = SSHWriter()
            blob.string("ssh-ed25519".utf8)
            blob.string(try handle.rawPublicKey())
            publicKey = try SSHPublicKey(blob: blob.bytes, origin: origin)
            source = .here(handle, .edDSA)
        } else if handle.isA("EC"), let curve = SSHCurve.all.first(where: { $0.openSSL == handle.group }) {
            publicKey = try SSHPublicKey(blob: try Self.blob(handle, curve), origin: origin)
            source = .here(handle, curve.algorithm)
        } else if handle.isA("RSA") {
            throw AuthenticationError(
                .notSupported,
                "\(origin): an RSA key, which the SSH library here can only use with SHA-1; make another: ssh-keygen -t ed25519")
        } else {
            throw AuthenticationError(
                .notSupported,
                "\(origin): neither Ed25519 nor ECDSA on P-256, P-384 or P-521; make one: ssh-keygen -t ed25519")
        }
        certificate = nil
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
    public var fingerprint: String { publicKey.fingerprint }

    /// The line for a host's authorized_keys file.
    public func authorizedKeysLine(comment: String) -> String {
        "\(publicKey.algorithm) \(Base64.encode(publicKey.blob)) \(comment)"
    }

    /// The signature over `message` without the algorithm's name: 64 bytes for Ed25519, two mpints for ECDSA (RFC 5656 section
    /// 3.1.2).
    public func sign(_ message: [UInt8]) throws(AuthenticationError) -> [UInt8] {
        guard case .here(let handle, let signature) = source else {
            throw AuthenticationError(.notSupported, "the key is in an ssh-agent, which has to be asked")
        }
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
