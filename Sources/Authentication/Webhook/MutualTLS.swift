/// A client certificate of a list, shown in the TLS handshake (RFC 8446 section 4.4.2), by fingerprint or by a name that is in it.
///
/// It proves who made the connection and nothing of the body: behind a proxy that ends TLS there is no certificate to see.
public final class MutualTLS: WebhookScheme {
    /// Entries of one list.
    public static let maximum = 64

    /// SHA-256 of certificates, in lower-case hexadecimal digits.
    let fingerprints: Set<String>
    /// Names of the subjectAltName extension: DNS names in lower case, compared whole, and URIs.
    let names: Set<String>

    /// - Parameters:
    ///   - fingerprints: 64 hexadecimal digits each, in any case of letters, with or without colons.
    ///   - names: DNS names in any case of letters, and URIs.
    /// - Throws: ``AuthenticationError`` when they name nobody, too many, or nobody in particular.
    public init(fingerprints: [String], names: [String]) throws(AuthenticationError) {
        guard !fingerprints.isEmpty || !names.isEmpty else {
            throw AuthenticationError(.badForm, "name at least one certificate by `fingerprints` or `names`")
        }
        guard fingerprints.count <= Self.maximum, names.count <= Self.maximum else {
            throw AuthenticationError(.badForm, "more than \(Self.maximum) entries in one list of certificates")
        }
        let digits = fingerprints.map { $0.replacing(":", with: "").lowercased() }
        guard digits.allSatisfy({ $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }) else {
            throw AuthenticationError(
                .badForm,
                "expected SHA-256 of certificates: 64 hexadecimal digits, as openssl x509 -fingerprint -sha256 prints them")
        }
        guard names.allSatisfy({ !$0.isEmpty && !$0.contains("*") }) else {
            throw AuthenticationError(.badForm, "names are compared whole; `*` is no pattern")
        }
        self.fingerprints = Set(digits)
        self.names = Set(names.map { $0.contains(":") ? $0 : $0.lowercased() })
    }

    /// What it is called, and what it asks for.
    public var about: SchemeDescription {
        let parts = [
            fingerprints.isEmpty ? nil : "of \(fingerprints.count) fingerprints",
            names.isEmpty ? nil : "named " + names.sorted().joined(separator: ", "),
        ]
        return SchemeDescription(
            name: "mtls", summary: "a client certificate " + parts.compactMap(\.self).joined(separator: " or "),
            challenge: "Client-Certificate", covers: .nothing)
    }

    /// Looks whether the connection's certificate is in one of the lists; the body is not looked at.
    public func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> SchemeCheck {
        guard let certificate = head.clientCertificate else {
            throw refusal(.missing, "the connection has no client certificate")
        }
        guard fingerprints.contains(certificate.fingerprint) || !names.isDisjoint(with: certificate.names) else {
            throw refusal(.mismatch, "the client certificate is none of the hook's")
        }
        return .proven
    }

    /// Nothing can be added to a delivery: the connection is what is proved.
    public func sign(_ message: WebhookMessage) throws(AuthenticationError) -> SignedParts {
        throw AuthenticationError(.notSupported, "a client certificate is shown by the connection and signs no delivery")
    }
}
