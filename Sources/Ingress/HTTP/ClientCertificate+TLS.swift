internal import Authentication
internal import NIOSSL

extension ClientCertificate {
    /// Nil when it cannot be encoded, which a certificate that was verified can.
    init?(_ certificate: NIOSSLCertificate) {
        guard let bytes = try? certificate.toDERBytes() else { return nil }
        var names: Set<String> = []
        for name in certificate._subjectAlternativeNames() {
            // A name with a zero or another control character in it is a trick, never a name.
            guard name.contents.allSatisfy({ (0x21...0x7e).contains($0) }) else { continue }
            let text = String(decoding: name.contents, as: UTF8.self)
            if name.nameType == .dnsName { names.insert(text.lowercased()) }
            if name.nameType == .uri { names.insert(text) }
        }
        self.init(fingerprint: Hex.encode(SHA256.hash(bytes)), names: names)
    }
}
