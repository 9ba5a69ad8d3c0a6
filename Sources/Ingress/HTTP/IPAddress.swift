/// An address of IP version 4 or 6. An IPv4 address that is written inside IPv6 (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is
/// the IPv4 address: a socket that takes both kinds shows IPv4 peers so.
struct IPAddress: Sendable, Equatable {
    /// 32 or 128 bits, the first one of the address highest.
    let bits: UInt128
    let isVersion4: Bool

    /// How many bits an address has.
    var width: Int { isVersion4 ? 32 : 128 }

    private init(_ bits: UInt128, isVersion4: Bool) {
        let isMapped = !isVersion4 && bits >> 32 == 0xffff
        self.bits = isMapped ? bits & 0xffff_ffff : bits
        self.isVersion4 = isVersion4 || isMapped
    }

    /// The address that `text` is: four decimal numbers without leading zeros, or RFC 4291 section 2.2; nil for anything else, a
    /// port, a zone or brackets too.
    init?(_ text: some StringProtocol) { self.init(bytes: Array(text.utf8)[...]) }

    /// As the other, for text that is not known to be any.
    init?(bytes: ArraySlice<UInt8>) {
        if let bits = Self.version4(bytes) {
            self.init(bits, isVersion4: true)
        } else if let bits = Self.version6(bytes) {
            self.init(bits, isVersion4: false)
        } else {
            return nil
        }
    }

    private static func version4(_ bytes: ArraySlice<UInt8>) -> UInt128? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt128 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != 0x30,
                part.allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
            let number = part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            guard number < 256 else { return nil }
            bits = bits << 8 | UInt128(number)
        }
        return bits
    }

    private static func version6(_ bytes: ArraySlice<UInt8>) -> UInt128? {
        guard bytes.count <= 45 else { return nil }
        // At most one `::`, which stands for at least one group of zeros.
        let colon = UInt8(ascii: ":")
        let gaps = bytes.indices.dropLast().filter { bytes[$0] == colon && bytes[$0 + 1] == colon }
        guard let gap = gaps.first else {
            guard let groups = groups(bytes), groups.count == 8 else { return nil }
            return joined(groups)
        }
        guard gaps.count == 1, let head = groups(bytes[..<gap]), let tail = groups(bytes[(gap + 2)...]) else { return nil }
        guard !bytes[..<gap].contains(UInt8(ascii: ".")), head.count + tail.count < 8 else { return nil }
        return joined(head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail)
    }

    /// Groups of 16 bits; the last two may be written as an IPv4 address.
    private static func groups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
        guard !bytes.isEmpty else { return [] }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, let bits = version4(part) {
                groups += [UInt16(bits >> 16), UInt16(bits & 0xffff)]
                continue
            }
            guard (1...4).contains(part.count), part.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups
    }

    private static func joined(_ groups: [UInt16]) -> UInt128 { groups.reduce(0) { $0 << 16 | UInt128($1) } }
}

/// A range of addresses in the notation of RFC 4632: `10.0.0.0/8`, `2001:db8::/32`; an address alone is the range of just that one.
struct IPNetwork: Sendable, Equatable, CustomStringConvertible {
    /// As it was written.
    let description: String
    private let base: IPAddress
    private let length: Int

    /// Nil when `text` is no range, or when its address has bits beyond its length: it is not clear then what was meant.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = IPAddress(parts[0]) else { return nil }
        var length = base.width
        if parts.count > 1 {
            // `::ffff:10.0.0.0/104` counts in bits that the address no longer has.
            guard let number = Int(parts[1]), String(number) == parts[1], (0...base.width).contains(number),
                base.isVersion4 != parts[0].utf8.contains(UInt8(ascii: ":"))
            else { return nil }
            length = number
        }
        guard base.bits & Self.rest(base.width - length) == 0 else { return nil }
        description = text
        self.base = base
        self.length = length
    }

    /// All addresses of its version.
    var isEverybody: Bool { length == 0 }

    /// The address is of the same version and in the range.
    func contains(_ address: IPAddress) -> Bool {
        address.isVersion4 == base.isVersion4 && (address.bits ^ base.bits) & ~Self.rest(base.width - length) == 0
    }

    /// The lowest `count` bits.
    private static func rest(_ count: Int) -> UInt128 { count == 128 ? .max : (1 << UInt128(count)) - 1 }
}
