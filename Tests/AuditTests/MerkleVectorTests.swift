import Authentication
import Testing

@testable import Audit

/// The known answers of Certificate Transparency's reference implementation for its tree of eight leaves.
struct MerkleVectorTests {
    private static let leaves: [[UInt8]] = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ].map { Hex.decode($0.utf8) ?? [] }

    private static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    private static let leafHashes = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    ]

    private static let tree = leaves.reduce(into: MerkleTree()) { $0.append(.leaf($1)) }

    @Test func `leaves and roots are those of the reference`() {
        var frontier = MerkleFrontier()
        for size in 0...8 {
            #expect(Hex.encode(frontier.root.bytes) == Self.roots[size])
            #expect(Self.tree.root(size: UInt64(size))?.bytes == Hex.decode(Self.roots[size].utf8))
            guard size < 8 else { break }
            let leaf = MerkleHash.leaf(Self.leaves[size])
            #expect(Hex.encode(leaf.bytes) == Self.leafHashes[size])
            frontier.append(leaf)
        }
    }

    @Test(arguments: [
        (0, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]), (5, 8, ["bc1a0643", "ca854ea1", "d37ee418"]), (2, 3, ["fac54203"]),
        (1, 5, ["6e340b9c", "5f083f0a", "bc1a0643"]), (0, 1, []),
        (6, 8, ["46f6ffad", "0ebc5d34", "d37ee418"]),
    ])
    func `inclusion proofs are those of the reference`(index: UInt64, size: UInt64, expected: [String]) throws {
        let path = try #require(Self.tree.inclusionProof(of: index, size: size))
        #expect(path.map { String(Hex.encode($0.bytes).prefix(8)) } == expected)
        let root = try #require(Self.tree.root(size: size))
        #expect(
            MerkleProof.verifyInclusion(
                of: .leaf(Self.leaves[Int(index)]), at: index, size: size, root: root, path: path))
    }

    @Test(arguments: [
        (1, 1, []), (1, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]), (6, 8, ["0ebc5d34", "ca854ea1", "d37ee418"]),
        (2, 5, ["5f083f0a", "bc1a0643"]), (4, 8, ["6b47aaf2"]), (7, 8, ["b08693ec", "46f6ffad", "0ebc5d34", "d37ee418"]),
    ])
    func `consistency proofs are those of the reference`(old: UInt64, size: UInt64, expected: [String]) throws {
        let path = try #require(Self.tree.consistencyProof(from: old, to: size))
        #expect(path.map { String(Hex.encode($0.bytes).prefix(8)) } == expected)
        let (oldRoot, root) = (try #require(Self.tree.root(size: old)), try #require(Self.tree.root(size: size)))
        #expect(MerkleProof.verifyConsistency(oldSize: old, oldRoot: oldRoot, newSize: size, newRoot: root, path: path))
    }
}
