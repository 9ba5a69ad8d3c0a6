internal import Authentication
internal import ProtocolMessages

/// The hosts of the settings, with the keys they must show and the identity that logs in.
struct HostDirectory: Sendable {
    /// A host that can be reached.
    struct Target: Sendable {
        let address: String
        let port: UInt16
        let user: String
        let identityName: String
        let identity: IdentityKey
        let hostKeys: [[UInt8]]
        let connectTimeout: Duration
        /// Commands at once, at most ``HostDirectory/commandsPerHost``.
        var concurrency = HostDirectory.commandsPerHost
        /// The way there, the host that is connected to first before the others.
        var jumps: [Hop] = []
    }

    /// A jump host on the way to another host.
    struct Hop: Sendable {
        let name: String
        let target: Target
    }

    /// Jump hosts on the way to one host.
    static let maximumJumps = 3

    /// Commands at once on one host, for one user and identity: sshd's MaxSessions is 10, two are left for ending and probing.
    static let commandsPerHost = 8

    let targets: [String: Target]
    /// Hosts without a usable pinned key, and why.
    let unpinned: [String: String]
    /// Hosts with something wrong in the settings, which are then not used.
    var spoiled: Set<String> = []
    /// Names of hosts by the name of their group.
    var groups: [String: [String]] = [:]
    /// The identities that a job may let the caller choose from.
    var identities: [String: IdentityKey] = [:]

    /// The settings have a host of that name.
    func isNamed(_ name: String) -> Bool { targets[name] != nil || spoiled.contains(name) }

    /// What is connected to without a jump host, by address and port.
    var places: Set<String> { Set(targets.values.filter(\.jumps.isEmpty).map { "\($0.address):\($0.port)" }) }

    /// - Parameter identity: who logs in there; nil for the host's own.
    /// - Throws: ``Refusal`` for a host that cannot be talked to safely.
    func target(_ name: String, as identity: String? = nil) throws(Refusal) -> Target {
        if let reason = unpinned[name] { throw Refusal(.hostKey, reason) }
        guard let target = targets[name] else { throw Refusal(.policy, "no host \(name) in the settings") }
        for hop in target.jumps {
            if let reason = unpinned[hop.name] { throw Refusal(.hostKey, "on the way to host \(name): \(reason)") }
        }
        guard let identity else { return target }
        guard let key = identities[identity] else { throw Refusal(.policy, "no identity \(identity) in the settings") }
        return target.with(identity, key)
    }
}

extension HostDirectory.Target {
    /// The same host for another identity.
    func with(_ name: String, _ key: IdentityKey) -> HostDirectory.Target {
        HostDirectory.Target(
            address: address, port: port, user: user, identityName: name, identity: key, hostKeys: hostKeys,
            connectTimeout: connectTimeout, concurrency: concurrency, jumps: jumps)
    }
}
