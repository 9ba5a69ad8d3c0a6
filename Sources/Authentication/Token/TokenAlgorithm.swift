/// Algorithms of JSON Web Signatures that are accepted (RFC 7518 section 3, RFC 8037). `none` is not among them and cannot be.
public enum TokenAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"

    enum Family { case hmac, rsaPKCS1, rsaPSS, ecdsa, edDSA }

    var family: Family {
        switch self {
        case .hs256, .hs384, .hs512: .hmac
        case .rs256, .rs384, .rs512: .rsaPKCS1
        case .ps256, .ps384, .ps512: .rsaPSS
        case .es256, .es384, .es512: .ecdsa
        case .edDSA: .edDSA
        }
    }

    var digestName: String {
        switch self {
        case .hs256, .rs256, .ps256, .es256: "SHA256"
        case .hs384, .rs384, .ps384, .es384: "SHA384"
        case .hs512, .rs512, .ps512, .es512: "SHA512"
        case .edDSA: ""
        }
    }

    var hmacHash: HMACKey.Hash { HMACKey.Hash(rawValue: digestName) ?? .sha256 }

    /// Curve of an ECDSA algorithm: its name in a JWK, in OpenSSL, and the bytes of one coordinate.
    var curve: (jwk: String, openSSL: String, bytes: Int)? {
        switch self {
        case .es256: ("P-256", "prime256v1", 32)
        case .es384: ("P-384", "secp384r1", 48)
        case .es512: ("P-521", "secp521r1", 66)
        default: nil
        }
    }

    /// RFC 9864 gives `EdDSA` with Ed25519 the name of its curve; both mean the same key.
    init?(headerName: String) {
        if headerName == "Ed25519" { self = .edDSA } else { self.init(rawValue: headerName) }
    }
}
