internal import Authentication
internal import Settings

/// Reads `jobs`: who may ask after jobs. Without it nobody may.
enum JobReadSettings {
    /// Hooks that `hooks` may name.
    static let maximumHooks = 256

    /// - Parameter known: the names of the hooks in the same settings.
    static func rule(_ node: SettingsNode, hooks known: Set<String>) -> JobReadRule? {
        guard node.isPresent else { return nil }
        let token = node.mapping("token").required("token")
        guard token.isPresent else { return nil }
        let mapping = token.mapping(SettingsNode.tokenKeys + ["header", "hooks", "hooks-claim"])
        let header = mapping.optional("header")
        let place = header.isPresent ? HookSettings.tokenHeader(header, orAuthorization: true) : .authorization
        let claimNode = mapping.optional("hooks-claim")
        let claim = claimNode.isPresent ? claimNode.string(maximumLength: 64) : nil
        let hooks = names(mapping.optional("hooks"), known)
        guard let verifier = token.tokenVerifier(mapping), let place else { return nil }
        return JobReadRule(place: place, verifier: verifier, hooks: hooks, claim: claim)
    }

    private static func names(_ node: SettingsNode, _ known: Set<String>) -> Set<String>? {
        guard node.isPresent else { return nil }
        let names = node.strings(maximum: maximumHooks)
        if names.isEmpty { node.problem("expected the names of hooks; leave it out to let a token read the jobs of all") }
        for name in names where !known.contains(name) { node.problem("there is no hook \(name.debugDescription)") }
        return Set(names)
    }
}
