internal import Glibc
internal import NIOCore

/// Whom a connection counts for. One customer's IPv6 network has 64 bits of hosts (RFC 6177, RFC 4291 section 2.5.1), so counting
/// single IPv6 addresses would limit nobody.
enum SourceAddress: Hashable, Sendable {
    /// The address.
    case v4([UInt8])
    /// The first 64 bits.
    case v6([UInt8])

    /// Nil for what has no address, such as a Unix socket's peer.
    init?(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else { return nil }
        self.init(text)
    }

    /// From an address in digits (RFC 4291 section 2.2). An IPv6 one that maps an IPv4 address (section 2.5.5.2), as a listener for both
    /// families sees it, counts as that.
    init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        // A zone (RFC 4007) is no part of the address.
        let digits = String(text.prefix { $0 != "%" })
        if unsafe inet_pton(AF_INET, digits, &bytes) == 1 {
            self = .v4(Array(bytes[..<4]))
        } else if unsafe inet_pton(AF_INET6, digits, &bytes) == 1 {
            let isMapped = bytes[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
            self = isMapped ? .v4(Array(bytes[12...])) : .v6(Array(bytes[..<8]))
        } else {
            return nil
        }
    }
}
