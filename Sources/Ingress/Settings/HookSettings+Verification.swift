internal import Authentication
internal import Settings

/// Reads `verify`: one scheme, several under `all` or `any`, or `none`.
extension HookSettings {
    /// Makes a scheme of what stands behind its name; nil after a problem was noted.
    typealias SchemeReader = @Sendable (SettingsNode) throws(AuthenticationError) -> (any WebhookScheme)?

    /// Every scheme by its name in the settings.
    static let schemes: [(name: String, read: SchemeReader)] =
        HMACScheme.Form.known.map { form in (form.settingsName, { node throws(AuthenticationError) in try hmac(form, node) }) }
        + [
            ("hmac", customHMAC), ("standard-webhooks", standardWebhooks), ("gitlab", gitlab), ("stripe", stripe),
            ("bearer", { node throws(AuthenticationError) in try token(.bearer, node) }), ("api-key", apiKey), ("basic", basic),
            ("path-secret", pathSecret), ("mtls", mutualTLS),
        ]

    /// How far a signed time may be set to lie from now. A relay that tries again for a week delivers what was signed a week ago.
    static let toleranceRange: ClosedRange<Duration> = .seconds(1) ... .seconds(7 * 86_400)

    /// `none` must be written out; nothing else lets an unsigned delivery through.
    static func verification(_ node: SettingsNode) -> Verification? {
        guard node.isPresent else { return nil }
        guard node.isMapping else {
            if node.string() != "none" {
                node.problem("expected a scheme such as `hookdeck: {secret: …}`, or `none` written out")
            }
            return nil
        }
        let verification = part(node, depth: 0)
        let count = verification?.schemes.count ?? 0
        if count > SignatureLimits.schemes {
            node.problem("\(count) schemes, the limit is \(SignatureLimits.schemes)")
        }
        return verification
    }

    private static func part(_ node: SettingsNode, depth: Int) -> Verification? {
        let names = schemes.map(\.name) + ["all", "any"]
        guard node.isMapping else {
            return node.refused("expected a scheme such as `hookdeck: {secret: …}`; `none` stands alone")
        }
        let mapping = node.mapping(names)
        let given = names.filter { mapping.optional($0).isPresent }
        guard given.count == 1, let name = given.first else {
            if given.isEmpty, node.hasEntries { return nil }
            return node.refused("expected one scheme; write several as `all: [{…}, {…}]` or `any: [{…}, {…}]`")
        }
        let value = mapping.optional(name)
        guard name == "all" || name == "any" else { return scheme(name, value) }
        guard depth < SignatureLimits.depth else {
            return value.refused("more than \(SignatureLimits.depth) of `all` and `any` inside one another")
        }
        let elements = value.elements()
        guard !elements.isEmpty else { return value.refused("expected a list of at least one scheme") }
        let parts = elements.compactMap { part($0, depth: depth + 1) }
        guard parts.count == elements.count else { return nil }
        return name == "all" ? .all(parts) : .any(parts)
    }

    private static func scheme(_ name: String, _ node: SettingsNode) -> Verification? {
        guard let read = schemes.first(where: { $0.name == name })?.read else { return nil }
        do throws(AuthenticationError) {
            return try read(node).map { .scheme($0) }
        } catch {
            return node.refused("\(error)")
        }
    }

    // MARK: what several schemes have

    /// `secret` or, while one replaces another, `secrets`; nil after a problem was noted.
    private static func secrets(
        _ scheme: SettingsMapping, _ one: String = "secret", _ several: String = "secrets"
    ) -> [SecretBytes]? {
        let single = scheme.optional(one)
        let list = scheme.optional(several)
        guard single.isPresent != list.isPresent else {
            return scheme.node.refused("write either `\(one)` or, while one replaces another, `\(several)`")
        }
        guard single.isPresent else {
            let elements = list.elements()
            guard !elements.isEmpty else { return list.refused("expected a list of at least one secret") }
            let secrets = elements.compactMap { $0.secret() }
            return secrets.count == elements.count ? secrets : nil
        }
        return single.secret().map { [$0] }
    }

    /// In seconds.
    private static func tolerance(_ scheme: SettingsMapping) -> Int64 {
        scheme.optional("tolerance").duration(in: toleranceRange).map { max(1, $0.components.seconds) }
            ?? SignatureLimits.tolerance
    }

    // MARK: schemes

    private static func hmac(_ form: HMACScheme.Form, _ node: SettingsNode) throws(AuthenticationError) -> (any WebhookScheme)? {
        let scheme = node.mapping(["secret", "secrets"] + (form.signsTime ? ["tolerance"] : []))
        let tolerance = form.signsTime ? tolerance(scheme) : SignatureLimits.tolerance
        guard let secrets = secrets(scheme) else { return nil }
        return try HMACScheme(form, secrets: secrets, tolerance: tolerance)
    }

    private enum CustomHash: String, CaseIterable {
        case sha256
        case sha512
    }

    private static let customHMAC: SchemeReader = { node throws(AuthenticationError) in
        let scheme = node.mapping(
            "secret", "secrets", "header", "prefix", "hash", "encoding", "signed", "timestamp-header", "id-header", "tolerance")
        let header = scheme.required("header").string(maximumLength: 64)
        let prefix = scheme.optional("prefix").text(maximumLength: 64) ?? ""
        let hash = scheme.optional("hash").choice(CustomHash.self) ?? .sha256
        let encoding = scheme.optional("encoding").choice(HMACScheme.Encoding.self) ?? .hex
        let timestampHeader = scheme.optional("timestamp-header").string(maximumLength: 64)
        let idHeader = scheme.optional("id-header").string(maximumLength: 64)
        let tolerance = tolerance(scheme)
        if timestampHeader == nil, scheme.optional("tolerance").isPresent {
            scheme.optional("tolerance").problem("no time is signed; name its header in `timestamp-header`")
        }
        let secrets = secrets(scheme)
        var template = SignedTemplate.body
        if let text = scheme.optional("signed").string() {
            do throws(AuthenticationError) {
                template = try SignedTemplate(text)
            } catch {
                return scheme.optional("signed").refused("\(error)")
            }
        }
        guard let header, let secrets else { return nil }
        let form = try HMACScheme.Form.custom(
            header: header, prefix: prefix, hash: hash == .sha256 ? .sha256 : .sha512, encoding: encoding, signed: template,
            timestampHeader: timestampHeader, idHeader: idHeader)
        return try HMACScheme(form, secrets: secrets, tolerance: tolerance)
    }

    private enum HeaderNames: String, CaseIterable {
        case webhook
        case svix
    }

    private static let standardWebhooks: SchemeReader = { node throws(AuthenticationError) in
        let scheme = node.mapping("secret", "secrets", "public-key", "public-keys", "headers", "tolerance", "forward")
        let names = scheme.optional("headers").choice(HeaderNames.self) ?? .webhook
        let tolerance = tolerance(scheme)
        let hasKeys = scheme.optional("public-key").isPresent || scheme.optional("public-keys").isPresent
        let hasSecrets = scheme.optional("secret").isPresent || scheme.optional("secrets").isPresent
        let keys = hasKeys ? scheme.webhookPublicKeys() : []
        // Without either, what is missing is said of the secret.
        let secrets = hasSecrets || !hasKeys ? secrets(scheme) : []
        let forward = scheme.optional("forward")
        let forwards = forward.bool() ?? false
        if forwards, !hasKeys { forward.problem("only a signature with a `public-key` can be verified again by the executor") }
        guard let keys, let secrets else { return nil }
        return try StandardWebhooks(
            names == .svix ? .svix : .standard, secrets: secrets, publicKeys: keys, tolerance: tolerance, forwards: forwards)
    }

    private static let gitlab: SchemeReader = { node throws(AuthenticationError) in
        let scheme = node.mapping("secret", "secrets", "signing-token", "signing-tokens", "tolerance")
        let signs = scheme.optional("signing-token").isPresent || scheme.optional("signing-tokens").isPresent
        let hasSecret = scheme.optional("secret").isPresent || scheme.optional("secrets").isPresent
        guard signs != hasSecret else {
            return node.refused("write either `signing-token` (GitLab 19.0 and later) or `secret`, the older secret token")
        }
        guard signs else {
            if scheme.optional("tolerance").isPresent {
                scheme.optional("tolerance").problem("GitLab's secret token signs no time; leave this out")
            }
            guard let secrets = secrets(scheme) else { return nil }
            return try SharedToken(.gitlab, secrets: secrets)
        }
        let tolerance = tolerance(scheme)
        guard let tokens = secrets(scheme, "signing-token", "signing-tokens") else { return nil }
        return try StandardWebhooks(.gitlab, secrets: tokens, tolerance: tolerance)
    }

    private static let stripe: SchemeReader = { node throws(AuthenticationError) in
        let scheme = node.mapping("secret", "secrets", "tolerance")
        let tolerance = tolerance(scheme)
        guard let secrets = secrets(scheme) else { return nil }
        return try StripeSignature(secrets: secrets, tolerance: tolerance)
    }

    private static func token(_ form: SharedToken.Form, _ node: SettingsNode) throws(AuthenticationError) -> (any WebhookScheme)?
    {
        guard let secrets = secrets(node.mapping("secret", "secrets")) else { return nil }
        return try SharedToken(form, secrets: secrets)
    }

    private static let apiKey: SchemeReader = { node throws(AuthenticationError) in
        let scheme = node.mapping("secret", "secrets", "header")
        let header = scheme.required("header").string(maximumLength: 64)
        let secrets = secrets(scheme)
        guard let header, let secrets else { return nil }
        return try SharedToken(.apiKey(header: header), secrets: secrets)
    }

    private static let basic: SchemeReader = { node throws(AuthenticationError) in
        let scheme = node.mapping("secret", "secrets", "user")
        let user = scheme.required("user").string(maximumLength: 256)
        let secrets = secrets(scheme)
        guard let user, let secrets else { return nil }
        return try BasicPassword(user: user, passwords: secrets)
    }

    private static let pathSecret: SchemeReader = { node throws(AuthenticationError) in
        guard let secrets = secrets(node.mapping("secret", "secrets")) else { return nil }
        return try PathSecret(secrets: secrets)
    }
}
