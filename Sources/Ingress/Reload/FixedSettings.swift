internal import Settings

/// What a reload cannot bring in, because sockets are made and the process is sealed at start only.
///
/// Everything is fixed that is not known to be changeable: a new part of the settings is safe without a word here.
struct FixedSettings: Sendable, Equatable {
    /// Parts that a reload swaps. Of `listen`, only what is below `tls`.
    static let changeable: Set<String> = ["hooks", "jobs", "limits"]

    /// Canonical text by key.
    private let parts: [String: String]

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
        self.parts = parts
    }

    /// The keys whose values differ, in order.
    func differences(from other: FixedSettings) -> [String] {
        Set(parts.keys).union(other.parts.keys).filter { parts[$0] != other.parts[$0] }.sorted()
    }
}
