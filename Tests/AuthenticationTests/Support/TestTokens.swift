import Authentication
import JSON

/// Tokens put together by hand, so that they may also be wrong.
enum TestTokens {
    /// The shared secret of ``TestKeys`` as a key.
    static func key(_ algorithm: TokenAlgorithm = .hs256, id: String? = nil) throws -> TokenKey {
        try TokenKey(secret: SecretBytes(TestKeys.secret), algorithm: algorithm, id: id)
    }

    /// `header` and `payload` as they are, under a correct HMAC of `secret`.
    static func signed(
        header: String = #"{"alg":"HS256"}"#, payload: String, secret: String = TestKeys.secret, hash: HMACKey.Hash = .sha256
    ) throws -> String {
        let signed = "\(Base64.encodeURL(Array(header.utf8))).\(Base64.encodeURL(Array(payload.utf8)))"
        let code = try HMACKey(SecretBytes(secret), hash: hash).code(for: signed.utf8)
        return "\(signed).\(Base64.encodeURL(code))"
    }

    /// A private JWK without its private members, and with others in their place.
    static func jwk(_ text: String, without: Set<String> = JWKMembers.secret, adding: [String: String] = [:]) throws -> String {
        guard let object = try JSONValue.parse(text.utf8).object else { return "" }
        let kept = object.members.filter { !without.contains($0.name) && adding[$0.name] == nil }
        let all = kept + (try adding.sorted { $0.key < $1.key }.map { ($0.key, try JSONValue.parse($0.value.utf8)) })
        return JSONValue.object(JSONObject(all)).description
    }

    /// The keys of a JWK or a set.
    static func keys(_ json: String) throws -> [TokenKey] { try JWK.keys(fromJSON: Array(json.utf8), origin: "test") }
}

/// Names of members (RFC 7518 section 6).
enum JWKMembers {
    static let secret: Set<String> = ["d", "p", "q", "dp", "dq", "qi"]
}

extension TokenError.Code {
    /// The refusal that `body` ends in; nil when it accepts.
    static func of<T>(_ body: () throws -> T) -> TokenError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? TokenError)?.code
        }
    }
}
