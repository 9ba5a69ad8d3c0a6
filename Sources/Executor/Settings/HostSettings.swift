internal import Authentication
internal import JobProtocol
internal import Settings

/// Reads `known-hosts` and `hosts`; `identities` in a file of its own.
enum HostSettings {
    static func knownHosts(_ node: SettingsNode) -> KnownHosts {
        guard let path = node.filePath() else { return .none }
        do throws(SettingsProblem) {
            let text = try SettingsFile.text(of: path)
            return KnownHosts(text: text) { line, message in node.problem("\(path):\(line): \(message)") }
        } catch {
            node.problem("\(path): \(error.message)")
            return .none
        }
    }

    static func hosts(_ node: SettingsNode, identities: [String: IdentityKey], known: KnownHosts) -> HostDirectory {
        var targets: [String: HostDirectory.Target] = [:]
        var unpinned: [String: String] = [:]
        let entries = node.entries()
        if entries.isEmpty, node.isPresent { node.problem("at least one host is needed") }
        for (name, value) in entries {
            let host = value.mapping(keys)
            let address = host.required("address").string(maximumLength: 255)
            let port = port(value)
            let user = host.required("user").string(maximumLength: 64)
            let identity = host.required("identity")
            let identityName = identity.name()
            let timeout = host.optional("connect-timeout").duration(in: .milliseconds(100) ... .seconds(120)) ?? .seconds(10)
            let key = identityName.flatMap { identities[$0] }
            if let identityName, key == nil { identity.problem("no identity `\(identityName)` under `identities`") }
            let concurrency = host.optional("concurrency").int(in: 1...HostDirectory.commandsPerHost)
            guard let address, let port, let user, let identityName, let key else { continue }
            let pinned = known.lookup(address: address, port: port)
            if pinned.keys.isEmpty { unpinned[name] = reason(name, address, port, pinned) }
            targets[name] = HostDirectory.Target(
                address: address, port: port, user: user, identityName: identityName, identity: key,
                hostKeys: pinned.keys,
                connectTimeout: timeout, concurrency: concurrency ?? HostDirectory.commandsPerHost)
        }
        return HostDirectory(targets: targets, unpinned: unpinned, identities: identities)
    }

    /// Reads `groups`: names for several hosts.
    static func groups(_ node: SettingsNode, hosts: HostDirectory) -> [String: [String]] {
        var groups: [String: [String]] = [:]
        for (name, value) in node.entries() {
            let members = value.strings(maximum: JobLimits.destinations)
            if members.isEmpty { value.problem("a group has at least one host") }
            if hosts.targets[name] != nil { value.problem("`\(name)` is a host's name already") }
            for member in members where hosts.targets[member] == nil { value.problem("no host `\(member)` under `hosts`") }
            groups[name] = members
        }
        return groups
    }

    private static let keys = ["address", "port", "user", "identity", "connect-timeout", "concurrency"]

    /// The SSH port of a host; nil when what stands there is none.
    static func port(_ host: SettingsNode) -> UInt16? {
        let port = host.mapping(keys).optional("port")
        return port.isPresent ? port.int(in: 1...65535).map { UInt16($0) } : 22
    }

    private static func reason(_ name: String, _ address: String, _ port: UInt16, _ pinned: KnownHosts.Lookup) -> String {
        let scan = "look at the host's key and pin it: sallyport hosts scan \(address) --port \(port)"
        guard !pinned.unsupported.isEmpty else { return "host \(name) (\(address):\(port)) has no pinned key; \(scan)" }
        return
            "host \(name) (\(address):\(port)) has only keys of type \(pinned.unsupported.sorted().joined(separator: ", ")) pinned, "
            + "which cannot be used; \(scan)"
    }
}
