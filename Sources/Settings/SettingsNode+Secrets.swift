public import Authentication
internal import Synchronization

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
                return try EnvironmentSecrets.secret(name)
            }
            guard let path = file.filePath() else { return nil }
            let secret = try SecretBytes.read(file: path, isShared: false)
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

/// Secrets that were in the environment. Reading one removes it there, so it is kept here: a second hook may name the same one, and
/// settings are read again at a reload.
private enum EnvironmentSecrets {
    private static let known = Mutex<[String: SecretBytes]>([:])

    static func secret(_ name: String) throws(AuthenticationError) -> SecretBytes {
        try known.withLock { known throws(AuthenticationError) in
            if let secret = known[name] { return secret }
            let secret = try SecretBytes.fromEnvironment(name)
            known[name] = secret
            return secret
        }
    }
}
