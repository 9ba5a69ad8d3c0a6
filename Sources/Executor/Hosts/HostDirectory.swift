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
    }

    let targets: [String: Target]
    /// Hosts without a usable pinned key, and why.
    let unpinned: [String: String]

    /// - Throws: ``Refusal`` for a host that cannot be talked to safely.
    func target(_ name: String) throws(Refusal) -> Target {
        if let reason = unpinned[name] { throw Refusal(.hostKey, reason) }
        guard let target = targets[name] else { throw Refusal(.policy, "no host \(name) in the settings") }
        return target
    }
}
