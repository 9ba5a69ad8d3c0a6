internal import Authentication
internal import Glibc
internal import NIOCore
internal import NIOSSL
internal import Settings

/// TLS of a listener, ready for handshakes: certificate, key and what a client must show.
struct TLSSettings: Sendable {
    /// Whether a client must show a certificate of the `client-ca`.
    enum ClientCertificate: String, Sendable, CaseIterable {
        /// No handshake without one.
        case required
        /// Who shows one shows a good one; a hook may demand it.
        case optional
    }

    let context: NIOSSLContext
    /// Nil where clients are not asked for a certificate.
    let client: ClientCertificate?
    /// Seconds since 1970 at which the certificate ends.
    let expiry: Int64
    /// SHA-256 of the certificate, in hexadecimal digits.
    let fingerprint: String

    /// What is offered by ALPN (RFC 7301), best first.
    static let protocols = ["h2", "http/1.1"]

    /// For TLS 1.2, those that RFC 9325 section 4.2 recommends: forward secrecy and authenticated encryption. TLS 1.3 has no others.
    static let cipherSuites: [NIOTLSCipher] = [
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]

    /// From `{certificate, private-key, client-ca, client-certificate}`; nil, with problems noted, when it is not there or not good.
    init?(_ node: SettingsNode) {
        guard node.isPresent else { return nil }
        let keys = node.mapping("certificate", "private-key", "client-ca", "client-certificate")
        let chain = Self.certificates(keys.required("certificate"))
        let secret = keys.required("private-key").secret(isText: false)
        let authority = keys.optional("client-ca")
        let roots = Self.certificates(authority)
        let demand = keys.optional("client-certificate").choice(ClientCertificate.self)
        if keys.optional("client-certificate").isPresent, !authority.isPresent {
            node.problem("`client-certificate` needs `client-ca`: whose certificates are good")
        }
        guard let chain, let leaf = chain.first, let secret, authority.isPresent == (roots != nil) else { return nil }
        guard let key = Self.privateKey(secret) else {
            keys.optional("private-key").problem("not a private key in PEM, or one with a passphrase")
            return nil
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuiteValues = Self.cipherSuites
        configuration.applicationProtocols = Self.protocols
        configuration.shutdownTimeout = .seconds(1)
        if let roots {
            configuration.trustRoots = .certificates(roots)
            configuration.certificateVerification = demand == .optional ? .optionalVerification : .noHostnameVerification
        }
        client = roots == nil ? nil : demand ?? .required
        expiry = Int64(leaf.notValidAfter)
        do {
            context = try NIOSSLContext(configuration: configuration)
            fingerprint = Hex.encode(SHA256.hash(try leaf.toDERBytes()))
        } catch {
            node.problem(
                "the certificate and the private key do not make a server: does the key belong to the first certificate?")
            return nil
        }
    }

    /// The certificates of a PEM file; nil, with the problem noted, when there are none.
    private static func certificates(_ node: SettingsNode) -> [NIOSSLCertificate]? {
        guard let path = node.filePath() else { return nil }
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(Array(try SettingsFile.text(of: path).utf8))
            return certificates.isEmpty ? node.refused("\(path) has no certificate in PEM") : certificates
        } catch let problem as SettingsProblem {
            return node.refused("\(path): \(problem.message)")
        } catch {
            return node.refused("\(path) has no certificate in PEM")
        }
    }

    private static func privateKey(_ secret: SecretBytes) -> NIOSSLPrivateKey? {
        // BoringSSL wants an array and copies it; ours is overwritten.
        var bytes = unsafe secret.withUnsafeBytes { unsafe Array($0) }
        defer {
            unsafe bytes.withUnsafeMutableBytes { buffer in
                if let base = buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
            }
        }
        return try? NIOSSLPrivateKey(bytes: bytes, format: .pem)
    }
}
