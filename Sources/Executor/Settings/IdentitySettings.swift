internal import Authentication
internal import Settings

/// Reads `identities`: where private keys are, or who signs with them.
extension HostSettings {
    static func identities(_ node: SettingsNode) -> [String: IdentityKey] {
        var identities: [String: IdentityKey] = [:]
        for (name, value) in node.entries() {
            let identity = value.mapping("private-key", "agent", "certificate")
            let (file, agent) = (identity.optional("private-key"), identity.optional("agent"))
            guard file.isPresent != agent.isPresent else {
                value.problem("write either `private-key` or `agent`")
                continue
            }
            guard let key = file.isPresent ? privateKey(file, name) : agentKey(agent, name) else { continue }
            identities[name] = certified(key, identity.optional("certificate"), name)
        }
        return identities
    }

    private static func privateKey(_ place: SettingsNode, _ name: String) -> IdentityKey? {
        // The supervisor keeps its environment, to give it to the next executor: no place for a key.
        if place.isMapping, place.mapping("file", "env").optional("env").isPresent {
            return place.refused("a private key is not taken from the environment; mount it as a file and write {file: path}")
        }
        guard let secret = place.secret(isText: false) else { return nil }
        do throws(AuthenticationError) {
            return try IdentityKey(secret, origin: "identity \(name)")
        } catch {
            return place.refused("\(error)")
        }
    }

    /// How long an agent may take; less than the time hosts leave for logging in.
    private static let agentTimeout = Duration.seconds(8)

    private static func agentKey(_ node: SettingsNode, _ name: String) -> IdentityKey? {
        let agent = node.mapping("socket", "public-key", "timeout")
        let socket = agent.required("socket").socketPath()
        let timeout = agent.optional("timeout").duration(in: .milliseconds(100) ... .seconds(120)) ?? agentTimeout
        let place = agent.required("public-key")
        guard let socket, let line = place.isMapping ? text(place) : place.string(maximumLength: maximumLine) else { return nil }
        do throws(AuthenticationError) {
            let key = try SSHPublicKey(line: line, origin: "identity \(name)")
            return IdentityKey(key, at: SSHAgentPlace(socket: socket, timeout: timeout))
        } catch {
            return place.refused("\(error)")
        }
    }

    private static func certified(_ key: IdentityKey, _ place: SettingsNode, _ name: String) -> IdentityKey {
        guard place.isPresent, let line = text(place) else { return key }
        do throws(AuthenticationError) {
            return key.with(try SSHCertificate(line: line, key: key.publicKey.blob, origin: "certificate of identity \(name)"))
        } catch {
            place.problem("\(error)")
            return key
        }
    }

    private static let maximumLine = 2 * SSHPublicKey.maximumBlob

    /// The text of `{file: path}`; public, so others may read the file.
    private static func text(_ place: SettingsNode) -> String? {
        guard place.isMapping else { return place.refused("write {file: path}") }
        let file = place.mapping("file").required("file")
        guard let path = file.filePath() else { return nil }
        do throws(SettingsProblem) {
            return try SettingsFile.text(of: path)
        } catch {
            return file.refused("\(path): \(error.message)")
        }
    }
}
