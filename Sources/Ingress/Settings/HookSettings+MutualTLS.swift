internal import Authentication
internal import Settings

/// Reads `mtls`: `{fingerprints: […], names: […]}`, at least one entry.
extension HookSettings {
    static let mutualTLS: SchemeReader = { node throws(AuthenticationError) in
        let scheme = node.mapping("fingerprints", "names")
        return try MutualTLS(
            fingerprints: scheme.optional("fingerprints").strings(maximum: MutualTLS.maximum),
            names: scheme.optional("names").strings(maximum: MutualTLS.maximum))
    }

    /// A hook cannot ask for what the listener never gets.
    static func checkMutualTLS(_ node: SettingsNode, _ hook: Hook?, _ listen: ListenSettings?) {
        guard let listen, listen.tls?.client == nil else { return }
        guard hook?.verification?.schemes.contains(where: { $0 is MutualTLS }) == true else { return }
        node.problem("`mtls` needs `listen.tls` with a `client-ca`")
    }
}
