internal import Settings

extension HookSettings {
    /// `{fingerprints: […], names: […]}`, at least one entry.
    static func client(_ node: SettingsNode) -> ClientRule? {
        guard node.isPresent else { return nil }
        let rule = node.mapping("fingerprints", "names")
        let fingerprints = rule.optional("fingerprints")
        let digits = fingerprints.strings(maximum: ClientRule.maximum).map { $0.replacing(":", with: "").lowercased() }
        if !digits.allSatisfy({ $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }) {
            fingerprints.problem(
                "expected SHA-256 of certificates: 64 hexadecimal digits, as openssl x509 -fingerprint -sha256 prints them")
        }
        let names = rule.optional("names").strings(maximum: ClientRule.maximum)
        if names.contains(where: { $0.contains("*") }) {
            rule.optional("names").problem("names are compared whole; `*` is no pattern")
        }
        if digits.isEmpty, names.isEmpty { node.problem("name at least one certificate by `fingerprints` or `names`") }
        return ClientRule(fingerprints: Set(digits), names: Set(names.map { $0.contains(":") ? $0 : $0.lowercased() }))
    }

    /// A hook cannot ask for what the listener never gets.
    static func checkClient(_ node: SettingsNode, _ hook: Hook?, _ listen: ListenSettings?) {
        guard hook?.client != nil, let listen, listen.tls?.client == nil else { return }
        node.problem("`client` needs `listen.tls` with a `client-ca`")
    }
}
