internal import Authentication

/// A hash of the Merkle tree: SHA-256, 32 bytes, without a place of its own in memory.
public struct MerkleHash: Hashable, Sendable {
    /// Bytes of a hash.
    public static let byteCount = SHA256.byteCount

    private let words: Words

    private struct Words: Hashable, Sendable {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt64 = 0
        var fourth: UInt64 = 0
    }

    /// Takes 32 bytes; nil for any other count.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(checked: bytes)
    }

    private init(checked bytes: some Collection<UInt8>) {
        var numbers: [4 of UInt64] = .init(repeating: 0)
        for (index, byte) in bytes.enumerated() { numbers[index >> 3] = numbers[index >> 3] << 8 | UInt64(byte) }
        words = Words(first: numbers[0], second: numbers[1], third: numbers[2], fourth: numbers[3])
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    /// Adds the 32 bytes to `bytes`.
    public func append(to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + Self.byteCount)
        for word in [words.first, words.second, words.third, words.fourth] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
        }
    }

    /// MTH({}), the hash of a tree without leaves (RFC 6962 section 2.1).
    public static let empty = MerkleHash(checked: SHA256.hash([]))

    /// The hash of a leaf: SHA-256 over 0x00 and its content.
    public static func leaf(_ content: some Collection<UInt8>) -> MerkleHash {
        var input: [UInt8] = [0]
        input.append(contentsOf: content)
        return MerkleHash(checked: SHA256.hash(input))
    }

    /// The hash of a node: SHA-256 over 0x01 and the hashes of both its halves.
    public static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
        var input: [UInt8] = []
        input.reserveCapacity(1 + 2 * byteCount)
        input.append(1)
        left.append(to: &input)
        right.append(to: &input)
        return MerkleHash(checked: SHA256.hash(input))
    }
}
