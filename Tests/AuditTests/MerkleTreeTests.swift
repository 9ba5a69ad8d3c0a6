import Testing

@testable import Audit

struct MerkleTreeTests {
    private static let count = 70
    private static let leaves = ReferenceTree.leaves(count)
    private static let tree = leaves.reduce(into: MerkleTree()) { $0.append(.leaf($1)) }

    @Test func `the growing tree, the whole tree and the definition have one root at every size`() {
        var frontier = MerkleFrontier()
        for size in 0...Self.count {
            let root = ReferenceTree.hash(Self.leaves[..<size])
            #expect(frontier.root.bytes == root)
            #expect(Self.tree.root(size: UInt64(size))?.bytes == root)
            #expect(frontier.subtrees.count == size.nonzeroBitCount)
            if size < Self.count { frontier.append(.leaf(Self.leaves[size])) }
        }
        #expect(Self.tree.root(size: UInt64(Self.count + 1)) == nil)
    }

    @Test func `every inclusion proof of every size is the definition's and verifies, and none for another leaf, place or size`()
    {
        for size in 1...Self.count {
            let root = Self.tree.root(size: UInt64(size)) ?? .empty
            for index in 0..<size {
                let path = Self.tree.inclusionProof(of: UInt64(index), size: UInt64(size)) ?? []
                #expect(path.map(\.bytes) == ReferenceTree.path(index, Self.leaves[..<size]))
                func holds(_ leaf: Int, _ index: Int, _ size: Int, _ path: [MerkleHash]) -> Bool {
                    MerkleProof.verifyInclusion(
                        of: .leaf(Self.leaves[leaf]), at: UInt64(index), size: UInt64(size), root: root, path: path)
                }
                #expect(holds(index, index, size, path))
                #expect(!holds((index + 1) % Self.count, index, size, path))
                #expect(!holds(index, index, size, path + [root]))
                if size > 1 {
                    #expect(!holds(index, (index + 1) % size, size, path))
                    #expect(!holds(index, index, size, path.dropLast()))
                }
                for place in path.indices {
                    var other = path
                    other[place] = .leaf([])
                    #expect(!holds(index, index, size, other))
                }
            }
            #expect(Self.tree.inclusionProof(of: UInt64(size), size: UInt64(size)) == nil)
        }
    }

    @Test func `every consistency proof is the definition's and verifies, and none for another tree`() {
        for size in 0...Self.count {
            let root = Self.tree.root(size: UInt64(size)) ?? .empty
            for old in 0...size {
                let oldRoot = Self.tree.root(size: UInt64(old)) ?? .empty
                let path = Self.tree.consistencyProof(from: UInt64(old), to: UInt64(size)) ?? [root]
                #expect(path.map(\.bytes) == ReferenceTree.proof(old, Self.leaves[..<size]))
                func holds(_ oldRoot: MerkleHash, _ root: MerkleHash, _ path: [MerkleHash]) -> Bool {
                    MerkleProof.verifyConsistency(
                        oldSize: UInt64(old), oldRoot: oldRoot, newSize: UInt64(size), newRoot: root, path: path)
                }
                #expect(holds(oldRoot, root, path))
                #expect(!holds(.leaf([]), root, path))
                // Anything is consistent with nothing.
                if old > 0 { #expect(!holds(oldRoot, .leaf([]), path)) }
                #expect(!holds(oldRoot, root, path + [root]))
                if !path.isEmpty { #expect(!holds(oldRoot, root, path.dropLast())) }
                for place in path.indices {
                    var other = path
                    other[place] = .leaf([])
                    #expect(!holds(oldRoot, root, other))
                }
            }
        }
        #expect(Self.tree.consistencyProof(from: 5, to: 4) == nil)
        #expect(Self.tree.consistencyProof(from: 5, to: UInt64(Self.count + 1)) == nil)
    }

    @Test func `a tree that begins behind others' roots makes the same proofs of its own leaves`() throws {
        for first in 0...33 {
            let frontier = Self.leaves[..<first].reduce(into: MerkleFrontier()) { $0.append(.leaf($1)) }
            var tree = MerkleTree(after: try #require(MerkleFrontier(size: UInt64(first), subtrees: frontier.subtrees)))
            for leaf in Self.leaves[first...] { tree.append(.leaf(leaf)) }
            for size in first...Self.count {
                #expect(tree.root(size: UInt64(size)) == Self.tree.root(size: UInt64(size)))
                #expect(
                    tree.consistencyProof(from: UInt64(first), to: UInt64(size))
                        == Self.tree.consistencyProof(from: UInt64(first), to: UInt64(size)))
                for index in first..<size {
                    #expect(
                        tree.inclusionProof(of: UInt64(index), size: UInt64(size))
                            == Self.tree.inclusionProof(of: UInt64(index), size: UInt64(size)))
                }
            }
            if first > 0 { #expect(tree.inclusionProof(of: UInt64(first - 1), size: UInt64(Self.count)) == nil) }
        }
    }

    @Test func `a frontier of another number of subtrees is refused`() {
        #expect(MerkleFrontier(size: 3, subtrees: [.empty]) == nil)
        #expect(MerkleFrontier(size: 3, subtrees: [.empty, .empty]) != nil)
        #expect(MerkleFrontier(size: 1 << 63, subtrees: [.empty]) == nil)
    }

    @Test func `a hash has 32 bytes`() {
        let bytes = (0..<32).map { UInt8($0 * 7) }
        #expect(MerkleHash(bytes)?.bytes == bytes)
        #expect(MerkleHash(bytes.dropLast()) == nil)
        #expect(MerkleHash(bytes + [0]) == nil)
    }
}
