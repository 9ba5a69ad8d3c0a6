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

    /// - Parameter named: all identities, those too that something is wrong with: that is told once, and not again for each host.
    static func hosts(
        _ node: SettingsNode, identities: [String: IdentityKey], named: Set<String>, known: KnownHosts
    ) -> HostDirectory {
        var targets: [String: HostDirectory.Target] = [:]
        var unpinned: [String: String] = [:]
        var jumps: [String: (name: String, node: SettingsNode)] = [:]
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
            if let identityName, !named.contains(identityName) {
                identity.problem("no identity `\(identityName)` under `identities`")
            }
            let concurrency = host.optional("concurrency").int(in: 1...HostDirectory.commandsPerHost)
            let jump = host.optional("jump")
            if let through = jump.name() { jumps[name] = (through, jump) }
            guard let address, let port, let user, let identityName, let key else { continue }
            let pinned = known.lookup(address: address, port: port)
            if pinned.keys.isEmpty { unpinned[name] = reason(name, address, port, pinned) }
            targets[name] = HostDirectory.Target(
                address: address, port: port, user: user, identityName: identityName, identity: key,
                hostKeys: pinned.keys,
                connectTimeout: timeout, concurrency: concurrency ?? HostDirectory.commandsPerHost)
        }
        let names = Set(entries.map(\.name))
        for (name, jump) in jumps { checkWay(from: name, jump.node, jumps.mapValues(\.name), names: names) }
        for name in targets.keys {
            // Whatever is wrong with a way was told above.
            let way = way(to: name, jumps.mapValues(\.name))
            let hops = way.compactMap { hop in targets[hop].map { HostDirectory.Hop(name: hop, target: $0) } }
            targets[name]?.jumps = hops
        }
        return HostDirectory(
            targets: targets, unpinned: unpinned, spoiled: names.subtracting(targets.keys), identities: identities)
    }

    /// The jump hosts from the first to be connected to on; cut off where there are too many.
    private static func way(to host: String, _ jumps: [String: String]) -> [String] {
        var way: [String] = []
        var last = host
        while let next = jumps[last], way.count <= HostDirectory.maximumJumps {
            way.insert(next, at: 0)
            last = next
        }
        return way
    }

    private static func checkWay(from host: String, _ node: SettingsNode, _ jumps: [String: String], names: Set<String>) {
        guard let next = jumps[host], names.contains(next) else {
            return node.problem("no host `\(jumps[host] ?? "")` under `hosts`")
        }
        var seen = [host]
        var last = host
        while let next = jumps[last] {
            seen.append(next)
            guard !seen.dropLast().contains(next) else {
                return node.problem("the way there leads in a circle: \(seen.joined(separator: " → "))")
            }
            last = next
        }
        guard seen.count - 1 <= HostDirectory.maximumJumps else {
            return node.problem(
                "\(seen.count - 1) jump hosts are on the way there, at most \(HostDirectory.maximumJumps) may be: "
                    + seen.joined(separator: " → "))
        }
    }

    /// Reads `groups`: names for several hosts.
    static func groups(_ node: SettingsNode, hosts: HostDirectory) -> [String: [String]] {
        var groups: [String: [String]] = [:]
        for (name, value) in node.entries() {
            let members = value.strings(maximum: JobLimits.destinations)
            if members.isEmpty { value.problem("a group has at least one host") }
            if hosts.isNamed(name) { value.problem("`\(name)` is a host's name already") }
            for member in members where !hosts.isNamed(member) { value.problem("no host `\(member)` under `hosts`") }
            groups[name] = members
        }
        return groups
    }

    private static let keys = ["address", "port", "user", "identity", "connect-timeout", "concurrency", "jump"]

    /// The SSH port of a host; nil when what stands there is none.
    static func port(_ host: SettingsNode) -> UInt16? {
        let port = host.mapping(keys).optional("port")
        return port.isPresent ? port.int(in: 1...65535).map { UInt16($0) } : 22
    }

    /// What a worker dials for a host; nil for one that is reached through another.
    static func dialled(_ host: SettingsNode) -> (address: String, port: UInt16)? {
        let keys = host.mapping(keys)
        guard !keys.optional("jump").isPresent, let address = keys.required("address").string(maximumLength: 255),
            let port = port(host)
        else { return nil }
        return (address, port)
    }

    private static func reason(_ name: String, _ address: String, _ port: UInt16, _ pinned: KnownHosts.Lookup) -> String {
        let scan = "look at the host's key and pin it: sallyport hosts scan \(address) --port \(port)"
        guard !pinned.unsupported.isEmpty else { return "host \(name) (\(address):\(port)) has no pinned key; \(scan)" }
        return
            "host \(name) (\(address):\(port)) has only keys of type \(pinned.unsupported.sorted().joined(separator: ", ")) pinned, "
            + "which cannot be used; \(scan)"
    }
}
