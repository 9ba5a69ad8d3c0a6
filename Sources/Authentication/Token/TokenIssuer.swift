public import JSON

/// Signs tokens, for tests, demonstrations and callers of one's own.
public struct TokenIssuer: Sendable {
    private let key: TokenKey

    /// Signs with a shared secret.
    public init(secret: SecretBytes, algorithm: TokenAlgorithm = .hs256, keyID: String? = nil) throws(AuthenticationError) {
        key = try TokenKey(secret: secret, algorithm: algorithm, id: keyID)
    }

    /// Signs with a private JWK: one key, not a set. Algorithm and key id are the key's own.
    ///
    /// - Throws: ``AuthenticationError`` when it has no private half or is not for signing.
    public init(jwk: [UInt8], origin: String) throws(AuthenticationError) {
        key = try JWK.signingKey(fromJSON: jwk, origin: origin)
    }

    /// Signs with a private key in PKCS#8 PEM: Ed25519 as EdDSA, P-256 as ES256 and so on, RSA as RS256 unless `algorithm` says
    /// more.
    ///
    /// - Throws: ``AuthenticationError`` when the key cannot sign with that algorithm.
    public init(
        pem: SecretBytes, origin: String, algorithm: TokenAlgorithm? = nil, keyID: String? = nil
    ) throws(AuthenticationError) {
        let handle = try KeyHandle.privateKey(pem: pem, origin: origin)
        let natural = try Self.natural(handle, origin: origin)
        let chosen = algorithm ?? natural
        let isRSA = natural == .rs256 && (chosen.family == .rsaPKCS1 || chosen.family == .rsaPSS)
        guard chosen == natural || isRSA else {
            throw AuthenticationError(.badKey, "\(origin): this key signs \(natural.rawValue), not \(chosen.rawValue)")
        }
        if isRSA { try JWK.checkSize(of: handle) }
        key = TokenKey(id: keyID, algorithm: chosen, material: .asymmetric(handle))
    }

    /// Signs with a private key in either form: a text that begins with `{` is a JWK, any other is PEM.
    ///
    /// - Throws: ``AuthenticationError`` as the others, and when a JWK, which has both itself, is given an algorithm or key id.
    public init(
        key: SecretBytes, origin: String, algorithm: TokenAlgorithm? = nil, keyID: String? = nil
    ) throws(AuthenticationError) {
        let jwk: [UInt8]? = unsafe key.withUnsafeBytes { unsafe $0.first == UInt8(ascii: "{") ? Array($0) : nil }
        guard let jwk else {
            try self.init(pem: key, origin: origin, algorithm: algorithm, keyID: keyID)
            return
        }
        guard algorithm == nil, keyID == nil else {
            throw AuthenticationError(.badKey, "\(origin): a JWK has its own algorithm and key id; leave both out")
        }
        try self.init(jwk: jwk, origin: origin)
    }

    private static func natural(_ handle: KeyHandle, origin: String) throws(AuthenticationError) -> TokenAlgorithm {
        if handle.isA("ED25519") { return .edDSA }
        if handle.isA("RSA") { return .rs256 }
        if handle.isA("EC") {
            for algorithm in [TokenAlgorithm.es256, .es384, .es512] where handle.group == algorithm.curve?.openSSL {
                return algorithm
            }
        }
        throw AuthenticationError(.badKey, "\(origin): neither Ed25519, RSA nor ECDSA on P-256, P-384 or P-521")
    }

    /// The token in compact form. The claims are signed as they are given; `type` becomes the header's `typ`.
    public func issue(_ claims: JSONObject, type: String = "JWT") throws(AuthenticationError) -> String {
        var header = JSONWriter()
        header.beginObject()
        header.name("alg")
        header.string(key.algorithm.rawValue)
        header.name("typ")
        header.string(type)
        if let keyID = key.id {
            header.name("kid")
            header.string(keyID)
        }
        header.endObject()
        var payload = JSONWriter()
        payload.value(.object(claims))
        let signed = "\(Base64.encodeURL(header.bytes)).\(Base64.encodeURL(payload.bytes))"
        return "\(signed).\(Base64.encodeURL(try signature(over: Array(signed.utf8))))"
    }

    private func signature(over message: [UInt8]) throws(AuthenticationError) -> [UInt8] {
        switch key.material {
        case .secret(let secret): return secret.code(for: message)
        case .asymmetric(let handle):
            let signature = try AsymmetricSignature.sign(message, algorithm: key.algorithm, key: handle)
            guard let curve = key.algorithm.curve else { return signature }
            guard let (r, s) = ECDSASignature.parts(fromDER: signature, bytes: curve.bytes) else { throw .library("sign") }
            return r + s
        }
    }
}

extension Ed25519PublicKey {
    /// The key as a set of one, for whoever verifies tokens that its private half signed.
    public func jwks(keyID: String) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.name("keys")
        json.beginArray()
        json.beginObject()
        for (name, value) in [
            ("kty", "OKP"), ("crv", "Ed25519"), ("alg", "EdDSA"), ("use", "sig"), ("kid", keyID), ("x", Base64.encodeURL(raw)),
        ] {
            json.name(name)
            json.string(value)
        }
        json.endObject()
        json.endArray()
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self) + "\n"
    }
}
