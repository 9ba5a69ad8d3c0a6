import ArgumentParser
import Authentication

/// How `send` signs.
struct SigningOptions: ParsableArguments {
    @Option(
        help: """
            hookdeck, github, gitlab, gitlab-token, gitea, forgejo, gogs, bitbucket, standard-webhooks, svix, stripe, slack, shopify, \
            hmac, bearer, api-key, basic, path-secret; or standard-webhooks-v1a, whose --secret is a private key of `sallyport keygen`. \
            May be repeated.
            """)
    var scheme: [String] = []

    @Option(
        help:
            "File with the secret of the scheme; one for each --scheme, in their order. Without any, the delivery is not signed.")
    var secret: [String] = []

    @Option(help: "Sign as if this many seconds had passed since; a negative number signs ahead of time.")
    var age: Int64 = 0

    @Option(help: "hmac, api-key: the header.")
    var signatureHeader: String?

    @Option(help: "hmac: what stands before the MAC, as in sha256=")
    var prefix = ""

    @Option(help: "hmac: sha256 or sha512.")
    var hash = Hash.sha256

    @Option(help: "hmac: hex or base64.")
    var encoding = Encoding.hex

    @Option(help: "hmac: what is signed, as in {timestamp}.{body}")
    var signed = "{body}"

    @Option(help: "hmac: the header with the time, in Unix seconds.")
    var timestampHeader: String?

    @Option(help: "hmac: the header with the id.")
    var idHeader: String?

    @Option(help: "basic: the user's name.")
    var user: String?

    enum Hash: String, ExpressibleByArgument, CaseIterable {
        case sha256
        case sha512

        var hash: HMACKey.Hash { self == .sha256 ? .sha256 : .sha512 }
    }

    enum Encoding: String, ExpressibleByArgument, CaseIterable {
        case hex
        case base64

        var encoding: HMACScheme.Encoding { self == .hex ? .hex : .base64 }
    }

    /// Hookdeck's headers belong to the delivery: it signs, or nobody does.
    var isHookdecks: Bool { scheme.isEmpty || scheme.contains("hookdeck") }

    /// The schemes with their secrets.
    func schemes() throws -> [any WebhookScheme] {
        let names = scheme.isEmpty && secret.count == 1 ? ["hookdeck"] : scheme
        guard names.count == secret.count else {
            throw CommandFailure(
                "\(names.count) times --scheme and \(secret.count) times --secret: give one secret file for each scheme",
                code: .usage)
        }
        return try zip(names, secret).map { name, file in
            do {
                return try make(name, file)
            } catch let error as AuthenticationError {
                throw CommandFailure("--scheme \(name): \(error)", code: .usage)
            }
        }
    }

    private func make(_ name: String, _ file: String) throws -> any WebhookScheme {
        let whole = try SecretBytes.read(file: file)
        let secrets = [whole.trimmingTrailingNewline()]
        if let form = HMACScheme.Form.known.first(where: { $0.settingsName == name }) {
            return try HMACScheme(form, secrets: secrets)
        }
        switch name {
        case "standard-webhooks": return try StandardWebhooks(secrets: secrets)
        case "svix": return try StandardWebhooks(.svix, secrets: secrets)
        case "standard-webhooks-v1a":
            return try StandardWebhooks(signingKey: Ed25519PrivateKey(pem: whole, origin: file))
        case "gitlab": return try StandardWebhooks(.gitlab, secrets: secrets)
        case "gitlab-token": return try SharedToken(.gitlab, secrets: secrets)
        case "stripe": return try StripeSignature(secrets: secrets)
        case "bearer": return try SharedToken(.bearer, secrets: secrets)
        case "api-key":
            return try SharedToken(.apiKey(header: try needed(signatureHeader, "--signature-header")), secrets: secrets)
        case "basic": return try BasicPassword(user: try needed(user, "--user"), passwords: secrets)
        case "path-secret": return try PathSecret(secrets: secrets)
        case "hmac":
            let form = try HMACScheme.Form.custom(
                header: try needed(signatureHeader, "--signature-header"), prefix: prefix, hash: hash.hash,
                encoding: encoding.encoding,
                signed: SignedTemplate(signed), timestampHeader: timestampHeader, idHeader: idHeader)
            return try HMACScheme(form, secrets: secrets)
        default: throw CommandFailure("--scheme \(name): not known; `sallyport send --help` lists them", code: .usage)
        }
    }

    private func needed(_ value: String?, _ option: String) throws -> String {
        guard let value else { throw CommandFailure("\(option) is missing", code: .usage) }
        return value
    }
}
