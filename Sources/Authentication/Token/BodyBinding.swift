internal import JSON

/// The claim that binds a token to one request body: whoever sees the token cannot put another body beside it.
///
/// Its value is the SHA-256 of the body's bytes as they are sent, either 64 hexadecimal digits in any case or 43 characters of
/// base64url without padding; the length tells which.
public enum BodyBinding {
    /// The claim's name.
    public static let claim = "request_body_sha256"

    /// The claim's value for a body, hexadecimal.
    public static func value(for body: some Collection<UInt8>) -> String { Hex.encode(SHA256.hash(body)) }

    /// The digest that a token states; nil when the claim is not there.
    ///
    /// - Throws: ``TokenError`` when the claim is no digest in one of the two forms.
    static func digest(in claims: JSONValue) throws(TokenError) -> [UInt8]? {
        guard let value = claims[claim] else { return nil }
        let text = value.string?.utf8
        let digest: [UInt8]? =
            switch text?.count {
            case 2 * SHA256.byteCount: text.flatMap { Hex.decode($0) }
            case 43: text.flatMap { Base64.decodeURL($0) }
            default: nil
            }
        guard let digest, digest.count == SHA256.byteCount else {
            throw TokenError(.body, "the token's \(claim) is no SHA-256 in hexadecimal or base64url")
        }
        return digest
    }

    /// A token that states a digest is held to it wherever the body is known; compared in constant time.
    ///
    /// - Throws: ``TokenError`` when the digests differ, or when the claim is `required` and not there.
    static func check(_ claims: JSONValue, bodyDigest: [UInt8]?, isRequired: Bool) throws(TokenError) {
        guard let stated = try digest(in: claims) else {
            guard !isRequired else {
                throw TokenError(.body, "the token is not bound to the body; it needs the claim \(claim)")
            }
            return
        }
        guard let bodyDigest else {
            guard !isRequired else { throw TokenError(.body, "the body that the token is bound to is not known") }
            return
        }
        guard ConstantTime.equal(stated, bodyDigest) else { throw TokenError(.body, "the token is bound to another body") }
    }
}
