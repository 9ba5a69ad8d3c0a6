/// The certificate with which a client proved itself in the TLS handshake: its chain is good, and it has the private key.
public struct ClientCertificate: Sendable, Equatable {
    /// SHA-256 of the certificate, in lower-case hexadecimal digits.
    public let fingerprint: String
    /// Names of its subjectAltName extension (RFC 5280 section 4.2.1.6): DNS names in lower case, and URIs.
    public let names: Set<String>

    /// What was read of a certificate.
    public init(fingerprint: String, names: Set<String>) {
        self.fingerprint = fingerprint
        self.names = names
    }
}
