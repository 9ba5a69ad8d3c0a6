internal import Authentication
internal import NIOSSL

/// The certificate with which a client proved itself in the handshake: its chain is good, and it has the private key.
struct ClientCertificate: Sendable, Equatable {
    /// SHA-256 of the certificate, in hexadecimal digits.
    let fingerprint: String
    /// Names of its subjectAltName extension (RFC 5280 section 4.2.1.6): DNS names in lower case, and URIs.
    let names: Set<String>

    init(fingerprint: String, names: Set<String>) {
        self.fingerprint = fingerprint
        self.names = names
    }

    /// Nil when it cannot be encoded, which a certificate that was verified can.
    init?(_ certificate: NIOSSLCertificate) {
        guard let bytes = try? certificate.toDERBytes() else { return nil }
        fingerprint = Hex.encode(SHA256.hash(bytes))
        var names: Set<String> = []
        for name in certificate._subjectAlternativeNames() {
            // A name with a zero or another control character in it is a trick, never a name.
            guard name.contents.allSatisfy({ (0x21...0x7e).contains($0) }) else { continue }
            let text = String(decoding: name.contents, as: UTF8.self)
            if name.nameType == .dnsName { names.insert(text.lowercased()) }
            if name.nameType == .uri { names.insert(text) }
        }
        self.names = names
    }
}
