internal import COpenSSL
internal import JSON

/// JSON Web Keys (RFC 7517) as verification keys.
public enum JWK {
    /// Keys a set may have.
    public static let maximumKeys = 64
    /// Bits an RSA key needs (RFC 7518 section 3.3) and may have.
    public static let rsaBits = 2048...8192

    /// The keys of a set, or a single key. Keys for encryption, of unknown type or algorithm are passed over (section 5); a key that
    /// claims to be usable and is broken is an error.
    ///
    /// - Throws: ``AuthenticationError`` naming the key's position.
    public static func keys(fromJSON bytes: [UInt8], origin: String) throws(AuthenticationError) -> [TokenKey] {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue.parse(bytes)
        } catch {
            throw AuthenticationError(.badKey, "\(origin): not JSON: \(error)")
        }
        let list = document["keys"]?.array ?? (document["kty"] == nil ? [] : [document])
        guard list.count <= maximumKeys else { throw AuthenticationError(.badKey, "\(origin): more than \(maximumKeys) keys") }
        var keys: [TokenKey] = []
        for (index, key) in list.enumerated() {
            do throws(AuthenticationError) {
                if let key = try self.key(key) { keys.append(key) }
            } catch {
                throw AuthenticationError(.badKey, "\(origin): key \(index + 1): \(error)")
            }
        }
        guard !keys.isEmpty else { throw AuthenticationError(.badKey, "\(origin): no key that can verify signatures") }
        return keys
    }

    /// One key; nil when it is not for verifying signatures.
    static func key(_ key: JSONValue) throws(AuthenticationError) -> TokenKey? {
        if let use = key["use"], use.string != "sig" { return nil }
        if let operations = key["key_ops"]?.array, !operations.contains(.string("verify")) { return nil }
        guard let algorithm = try algorithm(of: key) else { return nil }
        let id = key["kid"]?.string
        switch algorithm.family {
        case .hmac:
            let secret = try member("k", of: key)
            return try TokenKey(secret: SecretBytes(copying: secret), algorithm: algorithm, id: id)
        case .edDSA:
            let raw = try member("x", of: key)
            guard raw.count == 32, let handle = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, raw, raw.count) else {
                ERR_clear_error()
                throw AuthenticationError(.badKey, "`x` of an Ed25519 key has 32 bytes")
            }
            return unsafe TokenKey(id: id, algorithm: algorithm, material: .asymmetric(KeyHandle(owning: handle)))
        case .ecdsa:
            let handle = try ellipticCurve(key, algorithm)
            return TokenKey(id: id, algorithm: algorithm, material: .asymmetric(handle))
        case .rsaPKCS1, .rsaPSS:
            let handle = try rsa(key)
            return TokenKey(id: id, algorithm: algorithm, material: .asymmetric(handle))
        }
    }

    /// `alg` when it is there and agrees with the key's type, else the one algorithm that the type stands for.
    private static func algorithm(of key: JSONValue) throws(AuthenticationError) -> TokenAlgorithm? {
        let type = key["kty"]?.string
        let curve = key["crv"]?.string
        let natural: TokenAlgorithm? =
            switch (type, curve) {
            case ("oct", _): .hs256
            case ("RSA", _): .rs256
            case ("EC", "P-256"): .es256
            case ("EC", "P-384"): .es384
            case ("EC", "P-521"): .es512
            case ("OKP", "Ed25519"): .edDSA
            default: nil
            }
        guard let natural else { return nil }
        guard let stated = key["alg"] else { return natural }
        guard let name = stated.string, let algorithm = TokenAlgorithm(headerName: name) else { return nil }
        let agrees: Bool =
            switch natural.family {
            case .rsaPKCS1, .rsaPSS: algorithm.family == .rsaPKCS1 || algorithm.family == .rsaPSS
            case .hmac: algorithm.family == .hmac
            case .ecdsa, .edDSA: algorithm == natural
            }
        guard agrees else { throw AuthenticationError(.badKey, "`alg` \(name) does not fit a key of type \(type ?? "")") }
        return algorithm
    }

    static func member(_ name: String, of key: JSONValue) throws(AuthenticationError) -> [UInt8] {
        guard let text = key[name]?.string, let bytes = Base64.decodeURL(Array(text.utf8)), !bytes.isEmpty else {
            throw AuthenticationError(.badKey, "`\(name)` is not there or not base64url")
        }
        return bytes
    }

    private static func ellipticCurve(_ key: JSONValue, _ algorithm: TokenAlgorithm) throws(AuthenticationError) -> KeyHandle {
        guard let curve = algorithm.curve else { throw AuthenticationError(.badKey, "no curve for \(algorithm.rawValue)") }
        let x = try member("x", of: key)
        let y = try member("y", of: key)
        guard x.count == curve.bytes, y.count == curve.bytes else {
            throw AuthenticationError(.badKey, "`x` and `y` have \(curve.bytes) bytes on \(curve.jwk)")
        }
        return try KeyData.ellipticCurve(group: curve.openSSL, point: [4] + x + y)
    }

    private static func rsa(_ key: JSONValue) throws(AuthenticationError) -> KeyHandle {
        let modulus = try member("n", of: key)
        let exponent = try member("e", of: key)
        guard modulus.count <= rsaBits.upperBound / 8, exponent.count <= 8 else {
            throw AuthenticationError(.badKey, "an RSA key may have \(rsaBits.upperBound) bits")
        }
        let handle = try KeyData.rsa(modulus: modulus, exponent: exponent)
        guard rsaBits.contains(handle.bits) else {
            throw AuthenticationError(.badKey, "an RSA key needs \(rsaBits.lowerBound) bits or more, this one has \(handle.bits)")
        }
        return handle
    }
}
