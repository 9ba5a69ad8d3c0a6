internal import NIOCore
internal import NIOHTTP1

/// Whose `X-Forwarded-For` is believed, and what address a delivery therefore comes from.
///
/// `Forwarded` (RFC 7239) is not read: its quoted strings let a sender swallow, with one quotation mark, what a proxy appends behind
/// it; and a header that a proxy does not write itself is a header that senders write.
struct TrustedProxies: Sendable {
    /// Ranges in the settings.
    static let maximumNetworks = 64
    /// Addresses that are looked at, from the right. More proxies than that in a row are nobody's.
    static let maximumHops = 32

    let networks: [IPNetwork]

    /// No proxy: the address is that of the socket.
    static let none = TrustedProxies(networks: [])

    /// The address that a request comes from; nil when the socket has none.
    ///
    /// This is the socket's peer, unless that is a trusted proxy: then the right-most address of `X-Forwarded-For` that is no trusted
    /// proxy, or the left-most when all are. What stands left of it was written by strangers and is not looked at. A header that is
    /// missing, too long or not made of addresses as far as it is looked at counts for nothing: the address is the peer.
    func source(peer: IPAddress?, headers: HTTPHeaders) -> IPAddress? {
        guard let peer, isTrusted(peer) else { return peer }
        var source: IPAddress?
        var hops = 0
        for field in headers["x-forwarded-for"].reversed() {
            // Bytes, not characters: what a stranger puts before a proxy's comma could make one character with it.
            let entries = Array(field.utf8).split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            for entry in entries.reversed() {
                hops += 1
                guard hops <= Self.maximumHops, let address = Self.address(entry) else { return peer }
                guard isTrusted(address) else { return address }
                source = address
            }
        }
        return source ?? peer
    }

    private func isTrusted(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// An address, perhaps with a port as some proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
    private static func address(_ entry: ArraySlice<UInt8>) -> IPAddress? {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        var text = entry.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        if let address = IPAddress(bytes: text) { return address }
        let (colon, open, close) = (UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"))
        guard text.first == open else {
            guard let end = text.firstIndex(of: colon), isPort(text[end...]) else { return nil }
            return IPAddress(bytes: text[..<end])
        }
        guard let end = text.firstIndex(of: close), text[..<end].contains(colon) else { return nil }
        let port = text[end...].dropFirst()
        return port.isEmpty || isPort(port) ? IPAddress(bytes: text[..<end].dropFirst()) : nil
    }

    private static func isPort(_ text: ArraySlice<UInt8>) -> Bool {
        text.first == UInt8(ascii: ":") && (2...6).contains(text.count)
            && text.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }
}

extension IPAddress {
    /// The address of a socket's peer; nil for a Unix socket.
    init?(_ peer: SocketAddress?) {
        guard let text = peer?.ipAddress else { return nil }
        // A link-local peer comes with its zone behind `%`.
        self.init(text.prefix { $0 != "%" })
    }
}
