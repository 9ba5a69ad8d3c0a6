internal import NIOCore

/// Whom a connection counts for. One customer's IPv6 network has 64 bits of hosts (RFC 6177, RFC 4291 section 2.5.1), so counting
/// single IPv6 addresses would limit nobody.
enum SourceAddress: Hashable, Sendable {
    /// The address.
    case v4(UInt32)
    /// The first 64 bits.
    case v6(UInt64)

    /// Nil for what has no address, such as a Unix socket's peer.
    init?(_ address: SocketAddress?) {
        guard let address = IPAddress(address) else { return nil }
        self.init(address)
    }

    /// An IPv6 address that maps an IPv4 one, as a listener for both families sees it, counts as that.
    init(_ address: IPAddress) {
        self =
            address.isVersion4
            ? .v4(UInt32(truncatingIfNeeded: address.bits)) : .v6(UInt64(truncatingIfNeeded: address.bits >> 64))
    }
}
