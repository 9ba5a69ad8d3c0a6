internal import JSON

/// JSON Web Keys (RFC 7517).
public enum JWK {
    /// Keys a set may have.
    public static let maximumKeys = 64
    /// Bits an RSA key needs (RFC 7518 section 3.3) and may have.
    public static let rsaBits = 2048...8192

    /// The keys of a set, or a single key, that verify signatures; private halves are left behind.
    ///
    /// Keys for encryption, of unknown type or algorithm are passed over (section 5); a key that claims to be usable and is
    /// broken is an error. A key without `alg` stands for one algorithm: `oct` for HS256, RSA for RS256, a curve for its own.
    ///
    /// - Throws: ``AuthenticationError`` naming the key's position.
    public static func keys(fromJSON bytes: [UInt8], origin: String) throws(AuthenticationError) -> [TokenKey] {
        let document = try document(bytes, origin: origin)
        let list = document["keys"]?.array ?? (document["kty"] == nil ? [] : [document])
        guard list.count <= maximumKeys else { throw AuthenticationError(.badKey, "\(origin): more than \(maximumKeys) keys") }
        var keys: [TokenKey] = []
        for (index, key) in list.enumerated() {
            do throws(AuthenticationError) {
                if let key = try self.key(key, to: .verify) { keys.append(key) }
            } catch {
                throw AuthenticationError(.badKey, "\(origin): key \(index + 1): \(error)")
            }
        }
        guard !keys.isEmpty else { throw AuthenticationError(.badKey, "\(origin): no key that can verify signatures") }
        return keys
    }

    /// The one private key that `bytes` hold, for signing.
    static func signingKey(fromJSON bytes: [UInt8], origin: String) throws(AuthenticationError) -> TokenKey {
        let document = try document(bytes, origin: origin)
        do throws(AuthenticationError) {
            if let key = try key(document, to: .sign) { return key }
        } catch {
            throw AuthenticationError(.badKey, "\(origin): \(error)")
        }
        throw AuthenticationError(.badKey, "\(origin): no key that can sign")
    }

    private static func document(_ bytes: [UInt8], origin: String) throws(AuthenticationError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue.parse(bytes)
        } catch {
            throw AuthenticationError(.badKey, "\(origin): not JSON: \(error)")
        }
    }

    /// What a key is wanted for, as `key_ops` names it.
    private enum Operation: String { case verify, sign }

    /// One key; nil when it is not for signatures or not for this operation.
    private static func key(_ key: JSONValue, to operation: Operation) throws(AuthenticationError) -> TokenKey? {
        if let use = key["use"], use != .string("sig") { return nil }
        if let operations = key["key_ops"] {
            guard let list = operations.array else { throw AuthenticationError(.badKey, "`key_ops` is no list") }
            guard list.contains(.string(operation.rawValue)) else { return nil }
        }
        guard let algorithm = try algorithm(of: key) else { return nil }
        guard key["kid"] == nil || key["kid"]?.string != nil else { throw AuthenticationError(.badKey, "`kid` is no string") }
        let id = key["kid"]?.string
        let isPrivate = operation == .sign
        let handle: KeyHandle
        switch algorithm.family {
        case .hmac: return try TokenKey(secret: secret("k", of: key), algorithm: algorithm, id: id)
        case .edDSA: handle = try edwardsCurve(key, isPrivate: isPrivate)
        case .ecdsa: handle = try ellipticCurve(key, algorithm, isPrivate: isPrivate)
        case .rsaPKCS1, .rsaPSS: handle = try rsa(key, isPrivate: isPrivate)
        }
        return TokenKey(id: id, algorithm: algorithm, material: .asymmetric(handle))
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
}

/// The numbers of each type of key (RFC 7518 section 6, RFC 8037 section 2).
extension JWK {
    private static func member(_ name: String, of key: JSONValue) throws(AuthenticationError) -> [UInt8] {
        guard let text = key[name]?.string, let bytes = Base64.decodeURL(text.utf8), !bytes.isEmpty else {
            throw AuthenticationError(.badKey, "`\(name)` is not there or not base64url")
        }
        return bytes
    }

    private static func secret(_ name: String, of key: JSONValue) throws(AuthenticationError) -> SecretBytes {
        SecretBytes(copying: try member(name, of: key))
    }

    private static func edwardsCurve(_ key: JSONValue, isPrivate: Bool) throws(AuthenticationError) -> KeyHandle {
        let point = try member("x", of: key)
        guard isPrivate else { return try KeyData.ed25519(publicKey: point) }
        return try unsafe secret("d", of: key).withUnsafeBytes { seed throws(AuthenticationError) in
            try unsafe KeyData.ed25519(seed: seed, publicKey: point)
        }
    }

    private static func ellipticCurve(
        _ key: JSONValue, _ algorithm: TokenAlgorithm, isPrivate: Bool
    ) throws(AuthenticationError) -> KeyHandle {
        guard let curve = algorithm.curve else { throw AuthenticationError(.badKey, "no curve for \(algorithm.rawValue)") }
        let x = try member("x", of: key)
        let y = try member("y", of: key)
        guard x.count == curve.bytes, y.count == curve.bytes else {
            throw AuthenticationError(.badKey, "`x` and `y` have \(curve.bytes) bytes on \(curve.jwk)")
        }
        let secret = isPrivate ? try secret("d", of: key) : nil
        guard secret == nil || secret?.count == curve.bytes else {
            throw AuthenticationError(.badKey, "`d` has \(curve.bytes) bytes on \(curve.jwk)")
        }
        return try KeyData.ellipticCurve(group: curve.openSSL, point: [4] + x + y, secret: secret)
    }

    private static func rsa(_ key: JSONValue, isPrivate: Bool) throws(AuthenticationError) -> KeyHandle {
        let modulus = try member("n", of: key)
        let exponent = try member("e", of: key)
        guard modulus.count <= rsaBits.upperBound / 8, exponent.count <= 8 else {
            throw AuthenticationError(.badKey, "an RSA key may have \(rsaBits.upperBound) bits")
        }
        var secrets: [(name: StaticString, value: SecretBytes)] = []
        for (name, openSSL) in isPrivate ? KeyData.rsaSecrets : [] {
            let number = try secret(name, of: key)
            guard number.count <= modulus.count else { throw AuthenticationError(.badKey, "`\(name)` is longer than `n`") }
            secrets.append((openSSL, number))
        }
        let handle = try KeyData.rsa(modulus: modulus, exponent: exponent, secrets: secrets)
        try checkSize(of: handle)
        return handle
    }

    /// - Throws: ``AuthenticationError`` for an RSA key outside ``rsaBits``.
    static func checkSize(of handle: KeyHandle) throws(AuthenticationError) {
        guard rsaBits.contains(handle.bits) else {
            throw AuthenticationError(
                .badKey, "an RSA key needs \(rsaBits.lowerBound) to \(rsaBits.upperBound) bits, this one has \(handle.bits)")
        }
    }
}
