/// A Merkle tree (RFC 6962 section 2.1) with all its nodes, for making proofs. It takes 64 bytes of memory a leaf.
///
/// It may begin behind leaves that are known by the roots of their subtrees alone: no inclusion of those can then be proved.
public struct MerkleTree: Sendable {
    /// Nodes of one height that stand beside one another.
    private struct Level: Sendable {
        let first: UInt64
        var nodes: [MerkleHash] = []

        subscript(index: UInt64) -> MerkleHash? {
            index >= first && index - first < nodes.count ? nodes[Int(index - first)] : nil
        }
    }

    /// The first leaf that is known.
    public let first: UInt64
    /// Leaves, those before ``first`` too.
    public private(set) var size: UInt64
    /// Perfect subtrees of 1, 2, 4, … leaves.
    private var levels: [Level] = []

    /// Begins behind the leaves of `frontier`.
    public init(after frontier: MerkleFrontier = MerkleFrontier()) {
        first = frontier.size
        size = frontier.size
        var subtrees = frontier.subtrees[...]
        for height in 0..<(UInt64.bitWidth - size.leadingZeroBitCount) {
            let isSubtree = size >> UInt64(height) & 1 == 1
            var level = Level(first: size >> UInt64(height) - (isSubtree ? 1 : 0))
            if isSubtree { level.nodes.append(subtrees.removeLast()) }
            levels.append(level)
        }
    }

    /// Adds a leaf by its hash.
    public mutating func append(_ leaf: MerkleHash) {
        var (hash, index) = (leaf, size)
        size += 1
        for height in 0... {
            if height == levels.count { levels.append(Level(first: index)) }
            levels[height].nodes.append(hash)
            guard index & 1 == 1, let left = levels[height][index - 1] else { return }
            hash = .node(left, hash)
            index >>= 1
        }
    }

    /// The hash of the tree when it had `size` leaves; nil when that cannot be said.
    public func root(size: UInt64) -> MerkleHash? {
        guard size > 0 else { return .empty }
        return size <= self.size ? hash(0..<size) : nil
    }

    /// PATH(m, D[n]) of section 2.1.1, from the leaf upwards; nil when the leaf is not known or the tree has no `size` leaves.
    public func inclusionProof(of index: UInt64, size: UInt64) -> [MerkleHash]? {
        guard index >= first, index < size, size <= self.size else { return nil }
        var path: [MerkleHash] = []
        var range = 0..<size
        while range.count > 1 {
            let (left, right) = Self.halves(range)
            let (mine, other) = left.contains(index) ? (left, right) : (right, left)
            guard let hash = hash(other) else { return nil }
            path.append(hash)
            range = mine
        }
        return path.reversed()
    }

    /// PROOF(m, D[n]) of section 2.1.2; nil when it needs nodes that are not known.
    public func consistencyProof(from old: UInt64, to size: UInt64) -> [MerkleHash]? {
        guard old <= size, size <= self.size else { return nil }
        guard old > 0, old < size else { return [] }
        var path: [MerkleHash] = []
        var range = 0..<size
        // The old tree is a whole subtree of the new one as long as no right half was entered.
        var isWhole = true
        while range.upperBound != old {
            let (left, right) = Self.halves(range)
            let (mine, other) = old <= left.upperBound ? (left, right) : (right, left)
            guard let hash = hash(other) else { return nil }
            path.append(hash)
            if mine == right { isWhole = false }
            range = mine
        }
        if !isWhole {
            guard let hash = hash(range) else { return nil }
            path.append(hash)
        }
        return path.reversed()
    }

    /// As section 2.1 splits them: the left half has the largest power of two of leaves that is less than all.
    private static func halves(_ range: Range<UInt64>) -> (Range<UInt64>, Range<UInt64>) {
        let count = range.upperBound - range.lowerBound
        let half = range.lowerBound + 1 << UInt64(UInt64.bitWidth - 1 - (count - 1).leadingZeroBitCount)
        return (range.lowerBound..<half, half..<range.upperBound)
    }

    private func hash(_ range: Range<UInt64>) -> MerkleHash? {
        let count = range.upperBound - range.lowerBound
        if count.nonzeroBitCount == 1 {
            let height = count.trailingZeroBitCount
            if height < levels.count, let node = levels[height][range.lowerBound >> UInt64(height)] { return node }
        }
        guard count > 1 else { return nil }
        let (left, right) = Self.halves(range)
        guard let left = hash(left), let right = hash(right) else { return nil }
        return .node(left, right)
    }
}
