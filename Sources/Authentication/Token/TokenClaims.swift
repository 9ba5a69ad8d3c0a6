public import JSON

/// The claims of a token that was accepted (RFC 7519 section 4).
public struct TokenClaims: Sendable {
    /// All claims.
    public let object: JSONValue
    /// Unix seconds from which on the token is void, rounded up.
    public let exp: Int64

    /// Who issued the token.
    public var iss: String? { object["iss"]?.string }
    /// Whom it is about.
    public var sub: String? { object["sub"]?.string }
    /// Its unique id.
    public var jti: String? { object["jti"]?.string }

    /// The claim of that name.
    public subscript(name: String) -> JSONValue? { object[name] }
}
