public import Authentication

/// What both halves say about a sender's public keys.
extension SettingsMapping {
    /// `public-key` or, while one replaces another, `public-keys`: `whpk_` and base64. Nil after a problem was noted.
    public func webhookPublicKeys() -> [Ed25519PublicKey]? {
        let single = optional("public-key")
        let list = optional("public-keys")
        guard single.isPresent != list.isPresent else {
            return node.refused("write either `public-key` or, while one replaces another, `public-keys`")
        }
        let nodes = single.isPresent ? [single] : list.elements()
        guard !nodes.isEmpty else { return list.refused("expected a list of at least one public key") }
        let keys = nodes.compactMap { node -> Ed25519PublicKey? in
            guard let text = node.string() else { return nil }
            do throws(AuthenticationError) {
                return try StandardWebhooks.publicKey(text)
            } catch {
                return node.refused("\(error)")
            }
        }
        return keys.count == nodes.count ? keys : nil
    }
}
