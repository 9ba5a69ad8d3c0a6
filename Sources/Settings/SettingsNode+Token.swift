public import Authentication
internal import JSON

/// What a token must say, the same in both halves' settings.
extension SettingsNode {
    /// The keys that say what is asked of one issuer's tokens.
    static let issuerKeys = [
        "issuer", "audience", "subject", "claims", "keys", "secret", "algorithm", "skew", "maximum-age", "binds-body",
    ]

    /// The keys every `token` mapping knows: those of one issuer, or `issuers`.
    public static let tokenKeys = issuerKeys + ["issuers"]

    /// By how much clocks may be allowed to differ.
    static let skewLimit = Duration.zero ... .seconds(TokenVerifier.Requirements.maximumSkew)
    /// How old a token may be allowed to be.
    static let ageLimit = Duration.seconds(1) ... .seconds(31_536_000)

    /// A verifier from the keys of ``tokenKeys`` in `token`.
    public func tokenVerifier(_ token: SettingsMapping) -> TokenVerifier? {
        let several = token.optional("issuers")
        guard several.isPresent else { return issuer(token).map { TokenVerifier(issuers: [$0]) } }
        for key in Self.issuerKeys where token.optional(key).isPresent {
            token.optional(key).problem("with `issuers` this stands in each of them")
        }
        let nodes = several.elements()
        guard (1...TokenVerifier.maximumIssuers).contains(nodes.count) else {
            return several.refused("expected 1 to \(TokenVerifier.maximumIssuers) issuers")
        }
        var names: Set<String> = []
        let issuers = nodes.compactMap { node -> TokenVerifier.Issuer? in
            let issuer = node.issuer(node.mapping(Self.issuerKeys))
            if let name = issuer?.requirements.issuer, !names.insert(name).inserted {
                return node.refused("the issuer \(name) is there twice; `one-of` in its claims allows several values")
            }
            return issuer
        }
        return issuers.count == nodes.count ? TokenVerifier(issuers: issuers) : nil
    }

    private func issuer(_ token: SettingsMapping) -> TokenVerifier.Issuer? {
        let issuer = token.required("issuer").string()
        var requirements = TokenVerifier.Requirements(issuer: issuer ?? "")
        requirements.audience = token.optional("audience").string()
        requirements.subject = token.optional("subject").string()
        requirements.claims = token.optional("claims").claimDemands()
        if let skew = token.optional("skew").duration(in: Self.skewLimit) { requirements.clockSkew = skew.components.seconds }
        requirements.maximumAge = token.optional("maximum-age").duration(in: Self.ageLimit)?.components.seconds
        requirements.bindsBody = token.optional("binds-body").bool() ?? false
        let keys = tokenKeys(token)
        guard issuer != nil, !keys.isEmpty else { return nil }
        return TokenVerifier.Issuer(keys: keys, requirements: requirements)
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
