internal import JSON
internal import Synchronization

/// Remembers tokens whose signature was good, so that the same one is not verified again with each delivery.
///
/// It holds no token: only a digest of it together with the verifier that accepted it, and its claims. What depends on time or on
/// the delivery is never remembered; ``TokenVerifier`` checks every claim each time.
///
/// Old entries go in two generations: when the younger is full it becomes the older, and the older is forgotten. A token in use
/// moves into the younger.
public final class VerifiedTokens: Sendable {
    /// Tokens that are remembered, at most.
    public static let capacity = 512
    /// Bytes of the claims of a token that is remembered: about 100 bytes of memory for each in the worst case, 25 MB in all.
    public static let maximumClaims = 4 * 1024

    /// SHA-256 over the verifier's identity and the token's bytes.
    struct Key: Hashable, Sendable {
        private let digest: [UInt8]

        init(_ token: String, verifier identity: [UInt8]) {
            let hash = SHA256()
            // Always of one length: no two pairs run together.
            hash.update(identity)
            hash.update(Array(token.utf8))
            digest = hash.finish()
        }
    }

    /// What is remembered of a token.
    struct Entry: Sendable {
        let claims: JSONValue
        /// Index of the verifier's issuer.
        let issuer: Int
    }

    private struct Generations {
        var young: [Key: Entry] = [:]
        var old: [Key: Entry] = [:]
    }

    private let generation: Int
    private let state = Mutex(Generations())
    private let looked: @Sendable (Bool) -> Void

    /// An empty memory. `looked` is told of each look-up whether the token was known.
    public init(capacity: Int = capacity, looked: @escaping @Sendable (Bool) -> Void = { _ in }) {
        generation = max(1, capacity / 2)
        self.looked = looked
    }

    /// Tokens remembered now.
    public var count: Int { state.withLock { $0.young.count + $0.old.count } }

    func find(_ key: Key) -> Entry? {
        let entry = state.withLock { state -> Entry? in
            if let entry = state.young[key] { return entry }
            guard let entry = state.old.removeValue(forKey: key) else { return nil }
            insert(entry, key, into: &state)
            return entry
        }
        looked(entry != nil)
        return entry
    }

    /// `bytes` is the length of the claims as JSON.
    func store(_ entry: Entry, bytes: Int, for key: Key) {
        guard bytes <= Self.maximumClaims else { return }
        state.withLock { insert(entry, key, into: &$0) }
    }

    private func insert(_ entry: Entry, _ key: Key, into state: inout Generations) {
        if state.young.count >= generation {
            state.old = state.young
            state.young = [:]
        }
        state.young[key] = entry
    }
}
