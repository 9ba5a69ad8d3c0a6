/// Which client certificates a hook takes: those of a list, by fingerprint or by a name that is in them.
struct ClientRule: Sendable, Equatable {
    /// Entries of one list in the settings.
    static let maximum = 64

    /// SHA-256 of certificates, in lower-case hexadecimal digits.
    let fingerprints: Set<String>
    /// Names of the subjectAltName extension: DNS names in lower case, compared whole, and URIs.
    let names: Set<String>

    /// The certificate is one of them. No certificate never is, nor is anything one of none.
    func accepts(_ certificate: ClientCertificate?) -> Bool {
        guard let certificate else { return false }
        return fingerprints.contains(certificate.fingerprint) || !names.isDisjoint(with: certificate.names)
    }

    /// In words, for `check`.
    var summary: String {
        let parts = [
            fingerprints.isEmpty ? nil : "of \(fingerprints.count) fingerprints",
            names.isEmpty ? nil : "named " + names.sorted().joined(separator: ", "),
        ]
        return "a client certificate " + parts.compactMap(\.self).joined(separator: " or ")
    }
}
