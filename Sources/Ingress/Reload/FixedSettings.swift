internal import Settings
internal import SettingsReload

extension FixedSettings {
    /// Parts that a reload of an ingress swaps. Of `listen`, only what is below `tls`.
    static let changeable: Set<String> = ["hooks", "jobs", "limits", "log"]

    /// An ingress's.
    init(_ root: SettingsMapping) {
        var parts: [String: String] = [:]
        for key in IngressSettings.keys where !Self.changeable.contains(key) && key != "listen" {
            parts[key] = root.optional(key).canonicalText
        }
        let listen = root.optional("listen")
        if listen.isMapping {
            let keys = listen.mapping(ListenPlace.keys + ["tls"])
            for key in ListenPlace.keys { parts["listen.\(key)"] = keys.optional(key).canonicalText }
            // A listener that stops to speak TLS would take senders' secrets in the clear.
            parts["listen.tls"] = keys.optional("tls").isPresent ? "yes" : "no"
        }
        self.init(parts)
    }
}
