/// A MAC in a header over the body, or over the body with a time and an id: what most providers do, each in its own form.
public final class HMACScheme: WebhookScheme {
    /// How a MAC is written.
    public enum Encoding: String, Sendable, CaseIterable {
        case hex
        case base64

        /// Exactly `count` bytes; a text of another length is not looked at further.
        func decode(_ text: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
            switch self {
            case .hex: text.count == count * 2 ? Hex.decode(text) : nil
            case .base64: text.count == (count + 2) / 3 * 4 ? Base64.decode(text).flatMap { $0.count == count ? $0 : nil } : nil
            }
        }

        func encode(_ bytes: [UInt8]) -> String {
            switch self {
            case .hex: Hex.encode(bytes)
            case .base64: Base64.encode(bytes)
            }
        }
    }

    /// Where the MAC is, how it is written, and what it is of. A provider is a value of this type.
    public struct Form: Sendable {
        /// The name in the settings.
        let name: String
        /// Whose signature it is, for people and in `WWW-Authenticate`.
        let title: String
        /// Headers that carry a MAC: one of them must be there, each at most once.
        let headers: [String]
        var prefix = ""
        var hash = HMACKey.Hash.sha256
        var encoding = Encoding.hex
        var signed = SignedTemplate.body
        var timestampHeader: String?
        var idHeader: String?
        /// Where the provider puts its unsigned id of a delivery; for a sender only.
        var deliveryHeader: String?
    }

    /// What it is called, and what it asks for.
    public let about: SchemeDescription
    private let form: Form
    private let keys: [HMACKey]
    private let tolerance: Int64

    /// - Parameter tolerance: seconds that a signed time may lie before or behind now.
    /// - Throws: ``AuthenticationError`` when there is no secret, too many, an empty one, or the form does not hold together.
    public init(
        _ form: Form, secrets: [SecretBytes], tolerance: Int64 = SignatureLimits.tolerance
    ) throws(AuthenticationError) {
        guard form.signed.hasTimestamp == (form.timestampHeader != nil) else {
            throw AuthenticationError(.badForm, "{timestamp} is signed where there is a header for it, and only there")
        }
        guard form.signed.hasID == (form.idHeader != nil) else {
            throw AuthenticationError(.badForm, "{id} is signed where there is a header for it, and only there")
        }
        about = SchemeDescription(
            name: form.name, summary: form.summary(tolerance: tolerance), challenge: "\(form.title)-Signature",
            covers: .body(id: form.idHeader))
        self.form = form
        self.tolerance = tolerance
        keys = try HMACKey.keys(secrets, hash: form.hash)
    }

    /// Takes the MAC from the header and, where they are signed, the time and the id.
    public func begin(_ head: some DeliveryHead, now: Int64) throws(WebhookRefusal) -> SchemeCheck {
        let codes = try codes(head)
        guard !form.signed.isBodyAlone else {
            return .signature(SignatureCheck(self, header: form.headers[0], keys: keys, codes: codes))
        }
        var timestamp: ArraySlice<UInt8> = []
        if let header = form.timestampHeader {
            timestamp = try time(single(header, in: head), in: header, now: now, tolerance: tolerance).text
        }
        var id: ArraySlice<UInt8> = []
        if let header = form.idHeader { id = try identifier(header, in: head, without: form.signed.idEnds) }
        let around = form.signed.around(id: id, timestamp: timestamp)
        return .signature(
            SignatureCheck(
                self, header: form.headers[0], keys: keys, codes: codes, prefix: around.prefix, suffix: around.suffix))
    }

    private func codes(_ head: some DeliveryHead) throws(WebhookRefusal) -> [[UInt8]] {
        var codes: [[UInt8]] = []
        for header in form.headers {
            let values = head.values(of: header)
            guard values.count <= 1 else { throw refusal(.malformed, "\(header) is there more than once") }
            guard let value = values.first?.trimmedOfBlanks, !value.isEmpty else { continue }
            guard value.starts(with: form.prefix.utf8),
                let code = form.encoding.decode(value.dropFirst(form.prefix.utf8.count), count: form.hash.byteCount)
            else {
                let start = form.prefix.isEmpty ? "" : "`\(form.prefix)` and "
                throw refusal(.malformed, "\(header) is not \(start)\(form.encoding) of \(form.hash.byteCount) bytes")
            }
            codes.append(code)
        }
        guard !codes.isEmpty else { throw refusal(.missing, "\(form.headers[0]) is missing") }
        return codes
    }

    /// The headers that the provider adds.
    public func sign(_ message: WebhookMessage) throws(AuthenticationError) -> SignedParts {
        var headers: [(name: String, value: String)] = []
        if let header = form.deliveryHeader { headers.append((header, message.id)) }
        if let header = form.idHeader { headers.append((header, message.id)) }
        if let header = form.timestampHeader { headers.append((header, "\(message.time)")) }
        let around = form.signed.around(id: message.id.utf8, timestamp: "\(message.time)".utf8)
        let code = keys[0].code(for: around.prefix + message.body + around.suffix)
        return SignedParts(headers + [(form.headers[0], form.prefix + form.encoding.encode(code))])
    }
}

extension HMACScheme.Form {
    /// Every provider whose scheme is a value of this type: a new one is one file and its name here.
    public static let known: [Self] = [hookdeck, github, gitea, forgejo, gogs, bitbucket, slack, shopify]

    /// The name in the settings.
    public var settingsName: String { name }
    /// What the sender must have.
    func summary(tolerance: Int64) -> String {
        switch (idHeader != nil, timestampHeader != nil) {
        case (false, false): "\(title)'s signature over the body"
        case (true, false): "\(title)'s signature over an id and the body"
        case (false, true): "\(title)'s signature over a time and the body, \(tolerance) s tolerated"
        case (true, true): "\(title)'s signature over an id, a time and the body, \(tolerance) s tolerated"
        }
    }

    /// A time is signed, so that there is a tolerance.
    public var signsTime: Bool { timestampHeader != nil }

    /// The generic scheme: the operator says where the MAC is and what it is of.
    ///
    /// - Throws: ``AuthenticationError`` when a name is no header's (RFC 9110 section 5.1).
    public static func custom(
        header: String, prefix: String = "", hash: HMACKey.Hash = .sha256, encoding: HMACScheme.Encoding = .hex,
        signed: SignedTemplate = .body, timestampHeader: String? = nil, idHeader: String? = nil
    ) throws(AuthenticationError) -> Self {
        for name in [header, timestampHeader, idHeader].compactMap({ $0 }) { try HeaderName.check(name) }
        guard prefix.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw AuthenticationError(.badForm, "the prefix must be visible ASCII characters")
        }
        return Self(
            name: "hmac", title: header, headers: [header], prefix: prefix, hash: hash, encoding: encoding, signed: signed,
            timestampHeader: timestampHeader, idHeader: idHeader)
    }
}

extension HMACKey {
    /// A key of each secret.
    ///
    /// - Throws: ``AuthenticationError`` when there is none, an empty one, or more than ``SignatureLimits/secrets``.
    static func keys(_ secrets: [SecretBytes], hash: Hash) throws(AuthenticationError) -> [HMACKey] {
        guard !secrets.isEmpty else { throw AuthenticationError(.emptySecret, "no secret to verify with") }
        guard secrets.count <= SignatureLimits.secrets else {
            throw AuthenticationError(.tooLarge, "\(secrets.count) secrets, the limit is \(SignatureLimits.secrets)")
        }
        var keys: [HMACKey] = []
        for secret in secrets { keys.append(try HMACKey(secret, hash: hash)) }
        return keys
    }
}

/// Names of headers.
enum HeaderName {
    /// - Throws: ``AuthenticationError`` when it is none (RFC 9110 section 5.6.2).
    static func check(_ name: String) throws(AuthenticationError) {
        guard name.utf8.count <= maximumLength, HeaderToken.isToken(name) else {
            throw AuthenticationError(.badForm, "not a header's name (RFC 9110 section 5.1)")
        }
    }

    /// Bytes of a name.
    static let maximumLength = 64
}
