public import Authentication

/// Secrets are never in the settings: only where they are.
extension SettingsNode {
    /// Loads `{env: NAME}` or `{file: path}`. A trailing newline of a file is no part of the secret where `isText`.
    public func secret(isText: Bool = true) -> SecretBytes? {
        guard isPresent else { return nil }
        guard isMapping else {
            return refused("a secret never stands in the settings; write {env: NAME} or {file: path}")
        }
        let place = mapping("env", "file")
        let variable = place.optional("env")
        let file = place.optional("file")
        guard variable.isPresent != file.isPresent else { return refused("write either {env: NAME} or {file: path}") }
        do throws(AuthenticationError) {
            if variable.isPresent {
                guard let name = variable.string(maximumLength: 128) else { return nil }
                return try SecretBytes.fromEnvironment(name)
            }
            guard let path = file.filePath() else { return nil }
            let secret = try SecretBytes.read(file: path)
            return isText ? secret.trimmingTrailingNewline() : secret
        } catch {
            return refused("\(error)")
        }
    }

    /// An Ed25519 private key behind `{file: path}` or `{env: NAME}`.
    public func signingKey() -> Ed25519PrivateKey? {
        guard let pem = secret(isText: false) else { return nil }
        do throws(AuthenticationError) {
            return try Ed25519PrivateKey(pem: pem, origin: path)
        } catch {
            return refused("\(error)")
        }
    }

    /// An Ed25519 public key: `ed25519:` and base64.
    public func publicKey() -> Ed25519PublicKey? {
        guard let text = string() else { return nil }
        do throws(AuthenticationError) {
            return try Ed25519PublicKey(text: text)
        } catch {
            return refused("\(error)")
        }
    }
}
