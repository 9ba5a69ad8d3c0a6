public import Authentication
internal import JSON

/// What a token must say, the same in both halves' settings.
extension SettingsNode {
    /// The keys every `token` mapping knows.
    public static let tokenKeys = [
        "issuer", "audience", "subject", "claims", "keys", "secret", "algorithm", "clock-skew", "maximum-age",
    ]

    /// A verifier from the keys of ``tokenKeys`` in `token`.
    public func tokenVerifier(_ token: SettingsMapping) -> TokenVerifier? {
        let issuer = token.required("issuer").string()
        var requirements = TokenVerifier.Requirements(issuer: issuer ?? "")
        requirements.audience = token.optional("audience").string()
        requirements.subject = token.optional("subject").string()
        for claim in token.optional("claims").entries() {
            guard let value = claim.value.string() else { continue }
            requirements.claims[claim.name] = .string(value)
        }
        if let skew = token.optional("clock-skew").duration(in: .zero ... .seconds(600)) {
            requirements.clockSkew = skew.components.seconds
        }
        requirements.maximumAge =
            token.optional("maximum-age").duration(in: .seconds(1) ... .seconds(31_536_000))?.components.seconds
        let keys = tokenKeys(token)
        guard issuer != nil, !keys.isEmpty else { return nil }
        return TokenVerifier(keys: keys, requirements: requirements)
    }

    private func tokenKeys(_ token: SettingsMapping) -> [TokenKey] {
        let set = token.optional("keys")
        let secret = token.optional("secret")
        let algorithm = token.optional("algorithm")
        guard set.isPresent != secret.isPresent else {
            problem("write either `keys: {file: …}` with a JWKS file or `secret: {…}` with a shared secret")
            return []
        }
        do throws(AuthenticationError) {
            if set.isPresent {
                if algorithm.isPresent { algorithm.problem("each key of a JWKS file has its own algorithm; leave this out") }
                let file = set.mapping("file").required("file")
                guard let path = file.filePath(), let bytes = file.publicFile(path) else { return [] }
                let keys = try JWK.keys(fromJSON: bytes, origin: path)
                // With a shared secret in it the file is a secret file, and whoever can read it could sign.
                if keys.contains(where: \.isSymmetric) { _ = try SecretBytes.read(file: path) }
                return keys
            }
            guard let value = secret.secret() else { return [] }
            let name = algorithm.string() ?? TokenAlgorithm.hs256.rawValue
            guard let chosen = TokenAlgorithm(rawValue: name) else {
                algorithm.problem("expected HS256, HS384 or HS512")
                return []
            }
            return [try TokenKey(secret: value, algorithm: chosen)]
        } catch {
            (set.isPresent ? set : secret).problem("\(error)")
            return []
        }
    }

    /// The bytes of a file that is no secret.
    private func publicFile(_ path: String) -> [UInt8]? {
        do throws(SettingsProblem) {
            return Array(try SettingsFile.text(of: path).utf8)
        } catch {
            return refused("\(path): \(error.message)")
        }
    }
}
