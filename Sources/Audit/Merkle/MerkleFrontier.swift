/// A Merkle tree (RFC 6962 section 2.1) that only grows: of all its nodes it keeps the roots of the largest perfect subtrees, which are
/// at most 64. A leaf costs two hashes on average.
public struct MerkleFrontier: Sendable, Equatable {
    /// Leaves.
    public private(set) var size: UInt64 = 0
    /// Roots of the perfect subtrees that the leaves make from the left, the largest first: one for each bit of ``size`` that is set.
    public private(set) var subtrees: [MerkleHash] = []

    /// A tree without leaves.
    public init() {}

    /// The tree of that size; nil when as many subtrees do not make one of it.
    public init?(size: UInt64, subtrees: [MerkleHash]) {
        guard subtrees.count == size.nonzeroBitCount, size <= UInt64(Int64.max) else { return nil }
        self.size = size
        self.subtrees = subtrees
    }

    /// Adds a leaf by its hash.
    public mutating func append(_ leaf: MerkleHash) {
        var hash = leaf
        for _ in 0..<(~size).trailingZeroBitCount { hash = .node(subtrees.removeLast(), hash) }
        subtrees.append(hash)
        size += 1
    }

    /// The hash of the whole tree.
    public var root: MerkleHash {
        guard var hash = subtrees.last else { return .empty }
        for subtree in subtrees.dropLast().reversed() { hash = .node(subtree, hash) }
        return hash
    }
}
