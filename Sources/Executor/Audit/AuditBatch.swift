internal import Audit

/// The records of one transaction, as the journal's table `audit` keeps them until a checkpoint covers them in the log's file.
struct AuditBatch: Sendable {
    /// The first of them.
    let first: UInt64
    /// The tree over all records, these too.
    let tree: MerkleFrontier
    /// A line each.
    let lines: [UInt8]

    /// Records in it.
    var count: Int { Int(tree.size - first) }

    /// The records that follow on `tree`.
    init(_ events: [AuditEvent], after tree: MerkleFrontier) {
        var (next, lines): (MerkleFrontier, [UInt8]) = (tree, [])
        for event in events {
            let line = AuditRecord(index: next.size, event: event).bytes
            next.append(.leaf(line))
            lines += line
            lines.append(0x0a)
        }
        first = tree.size
        self.tree = next
        self.lines = lines
    }

    /// As ``AuditTable`` has it.
    ///
    /// - Parameters:
    ///   - size: of the tree.
    ///   - bytes: the roots of its subtrees.
    init(first: Int64, size: Int64, subtrees bytes: [UInt8], lines: [UInt8]) throws(AuditError) {
        let hashes = stride(from: 0, to: bytes.count, by: MerkleHash.byteCount).compactMap {
            MerkleHash(bytes[$0..<min($0 + MerkleHash.byteCount, bytes.count)])
        }
        guard first >= 0, size > first, let tree = MerkleFrontier(size: UInt64(size), subtrees: hashes) else {
            throw AuditError("the journal's table `audit` is damaged at record \(first)")
        }
        self.first = UInt64(first)
        self.tree = tree
        self.lines = lines
    }

    /// The roots of the tree's subtrees.
    var subtrees: [UInt8] {
        var bytes: [UInt8] = []
        for hash in tree.subtrees { hash.append(to: &bytes) }
        return bytes
    }
}

/// What the journal knows of its log at a start.
struct AuditKept: Sendable {
    /// Those it has still, in order; the newest is always among them.
    var batches: [AuditBatch] = []
    /// Size and root of the newest checkpoint that it knows to be on disk.
    var checkpoint: (size: UInt64, root: [UInt8])?
}
