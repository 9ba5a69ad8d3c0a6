import ArgumentParser
import Authentication

/// `sallyport keygen`
struct KeyGeneration: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Make an Ed25519 key: for an ingress, an executor, a token issuer or an SSH identity.",
        discussion: """
            The private key goes to FILE, readable by its owner only: in PKCS#8 form, or with --form ssh in OpenSSH's own, which \
            `ssh -i FILE` and the executor read. The public half is printed in the form asked for.

            Examples:
              sallyport keygen ingress.key
              sallyport keygen deploy.key --form ssh --name sallyport
              sallyport keygen token.key --form jwks --name ci > token-keys.json
            """
    )

    /// How the public half is wanted.
    enum Form: String, ExpressibleByArgument, CaseIterable {
        /// For `trusted-key` in settings.
        case settings
        /// A JWKS file for `token`.
        case jwks
        /// A line for a host's authorized_keys.
        case ssh
        /// For `public-key` of `standard-webhooks`.
        case webhook
    }

    @Argument(help: "Where the private key goes. Must not exist.")
    var file: String

    @Option(help: "How to print the public half: settings, jwks, ssh or webhook.")
    var form = Form.settings

    @Option(help: "Key id of a JWKS, or comment of an SSH key.")
    var name = "sallyport"

    func run() throws {
        try reporting {
            let key = try Ed25519PrivateKey.generate()
            try FileOutput.secret(try form == .ssh ? key.openSSH(comment: name) : key.pem(), to: file)
            Output.line(try Self.text(key, form: form, name: name))
        }
    }

    static func text(_ key: Ed25519PrivateKey, form: Form, name: String) throws -> String {
        switch form {
        case .settings: key.publicKey.description
        case .jwks: String(key.publicKey.jwks(keyID: name).dropLast())
        case .ssh: try key.authorizedKeysLine(comment: name)
        case .webhook: StandardWebhooks.text(key.publicKey)
        }
    }
}
