/// Checks of proofs, as RFC 9162 sections 2.1.3.2 and 2.1.4.2 write them down for the trees of RFC 6962.
public enum MerkleProof {
    /// Hashes of the longest proof that is looked at.
    public static let maximumLength = 128

    /// True when `path` proves that the tree of `size` leaves with that root has `leaf` at `index`.
    public static func verifyInclusion(
        of leaf: MerkleHash, at index: UInt64, size: UInt64, root: MerkleHash, path: [MerkleHash]
    ) -> Bool {
        guard index < size, path.count <= maximumLength else { return false }
        var (node, last) = (index, size - 1)
        var hash = leaf
        for other in path {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                hash = .node(other, hash)
                climb(&node, &last)
            } else {
                hash = .node(hash, other)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// True when `path` proves that the tree of `newSize` leaves begins with all leaves of the one of `oldSize`, in their order.
    public static func verifyConsistency(
        oldSize: UInt64, oldRoot: MerkleHash, newSize: UInt64, newRoot: MerkleHash, path: [MerkleHash]
    ) -> Bool {
        guard oldSize <= newSize, path.count <= maximumLength else { return false }
        if oldSize == newSize { return path.isEmpty && oldRoot == newRoot }
        if oldSize == 0 { return path.isEmpty && oldRoot == .empty }
        // A tree that is perfect is its own first node.
        var rest = (oldSize.nonzeroBitCount == 1 ? [oldRoot] : [])[...] + path
        guard let first = rest.popFirst() else { return false }
        var (node, last) = (oldSize - 1, newSize - 1)
        let shared = UInt64((~node).trailingZeroBitCount)
        node >>= shared
        last >>= shared
        var (old, new) = (first, first)
        for other in rest {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                old = .node(other, old)
                new = .node(other, new)
                climb(&node, &last)
            } else {
                new = .node(new, other)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && old == oldRoot && new == newRoot
    }

    /// Up to where the node is a right half.
    private static func climb(_ node: inout UInt64, _ last: inout UInt64) {
        while node & 1 == 0, node != 0 {
            node >>= 1
            last >>= 1
        }
    }
}
