internal import Authentication
internal import Synchronization

/// Signs for leases: what the lease allows, once.
final class Signer: Sendable {
    /// Signatures a second, over all identities; each costs a connection to a host.
    static let maximumRate = 200

    private struct Grant {
        let user: String
        let identity: IdentityKey
        var isUsed = false
    }

    private struct State {
        var grants: [UInt64: Grant] = [:]
        var second: Int64 = 0
        var count = 0
    }

    /// A signature that may be made; to be recorded first.
    struct Permit {
        let identity: IdentityKey
        let user: String
        let sessionID: [UInt8]
        let blob: [UInt8]
    }

    private let state = Mutex(State())

    /// A lease is handed out.
    func open(lease: UInt64, user: String, identity: IdentityKey) {
        state.withLock { $0.grants[lease] = Grant(user: user, identity: identity) }
    }

    /// A lease has ended.
    func close(lease: UInt64) { state.withLock { $0.grants[lease] = nil } }

    /// Checks a request completely and uses up the lease's one signature. `now` is in Unix milliseconds.
    func permit(lease: UInt64, blob: [UInt8], now: Int64) throws(SignerError) -> Permit {
        try state.withLock { state throws(SignerError) in
            guard let grant = state.grants[lease] else { throw SignerError("no such lease") }
            guard !grant.isUsed else { throw SignerError("the lease's signature was given already") }
            if state.second != now / 1000 { (state.second, state.count) = (now / 1000, 0) }
            state.count += 1
            guard state.count <= Self.maximumRate else { throw SignerError("more than \(Self.maximumRate) signatures a second") }
            let request = try UserAuthenticationRequest(blob, user: grant.user, identity: grant.identity)
            state.grants[lease]?.isUsed = true
            return Permit(identity: grant.identity, user: grant.user, sessionID: request.sessionID, blob: blob)
        }
    }

    /// Makes the signature that was permitted.
    func sign(_ permit: Permit) throws(SignerError) -> [UInt8] {
        do throws(AuthenticationError) {
            return try permit.identity.sign(permit.blob)
        } catch {
            throw SignerError("\(error)")
        }
    }
}
