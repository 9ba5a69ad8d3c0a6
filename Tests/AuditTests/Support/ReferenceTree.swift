import Authentication

@testable import Audit

/// The definitions of RFC 6962 section 2.1, word for word and as slow as they are.
enum ReferenceTree {
    static func hash(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        switch leaves.count {
        case 0: SHA256.hash([])
        case 1: SHA256.hash([0] + leaves[leaves.startIndex])
        default: SHA256.hash([1] + hash(leaves.prefix(split(leaves.count))) + hash(leaves.dropFirst(split(leaves.count))))
        }
    }

    static func path(_ index: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] {
        guard leaves.count > 1 else { return [] }
        let (left, right) = halves(leaves)
        return index < left.count
            ? path(index, left) + [hash(right)] : path(index - left.count, right) + [hash(left)]
    }

    static func proof(_ old: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] {
        old == 0 ? [] : subproof(old, leaves, true)
    }

    private static func subproof(_ old: Int, _ leaves: ArraySlice<[UInt8]>, _ isWhole: Bool) -> [[UInt8]] {
        if old == leaves.count { return isWhole ? [] : [hash(leaves)] }
        let (left, right) = halves(leaves)
        return old <= left.count
            ? subproof(old, left, isWhole) + [hash(right)] : subproof(old - left.count, right, false) + [hash(left)]
    }

    private static func halves(_ leaves: ArraySlice<[UInt8]>) -> (ArraySlice<[UInt8]>, ArraySlice<[UInt8]>) {
        (leaves.prefix(split(leaves.count)), leaves.dropFirst(split(leaves.count)))
    }

    /// The largest power of two smaller than `count`.
    private static func split(_ count: Int) -> Int {
        var half = 1
        while half * 2 < count { half *= 2 }
        return half
    }

    /// Leaves of different lengths.
    static func leaves(_ count: Int) -> [[UInt8]] {
        (0..<count).map { Array("leaf \($0)".utf8.prefix(5 + $0 % 4)) + [UInt8($0)] }
    }
}
