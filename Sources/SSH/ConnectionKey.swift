internal import ProtocolMessages
internal import SwiftProtobuf

/// What leases must have in common to share a connection: all that decides who talks to whom, under which key, and on which way.
struct ConnectionKey: Hashable {
    let address: String
    let port: UInt32
    let user: String
    let identity: String
    let publicKey: [UInt8]
    let hostKeys: [[UInt8]]
    /// The jump hosts, the first to be connected to first; theirs are empty.
    let way: [ConnectionKey]

    init(_ lease: WireLease) {
        address = lease.address
        port = lease.port
        user = lease.user
        identity = lease.identity
        publicKey = [UInt8](lease.publicKey)
        hostKeys = lease.hostKeys.map { [UInt8]($0) }
        way = lease.jumps.map { ConnectionKey($0, way: []) }
    }

    private init(_ hop: WireHop, way: [ConnectionKey]) {
        address = hop.address
        port = hop.port
        user = hop.user
        identity = hop.identity
        publicKey = [UInt8](hop.publicKey)
        hostKeys = hop.hostKeys.map { [UInt8]($0) }
        self.way = way
    }

    private init(_ other: ConnectionKey, way: [ConnectionKey]) {
        address = other.address
        port = other.port
        user = other.user
        identity = other.identity
        publicKey = other.publicKey
        hostKeys = other.hostKeys
        self.way = way
    }

    /// The connection to the last jump host; of a host without one, its own.
    var jumpKey: ConnectionKey { way.last.map { ConnectionKey($0, way: way.dropLast()) } ?? self }

    /// The same sshd, whoever logs in there.
    func isSamePlace(as other: ConnectionKey) -> Bool {
        address == other.address && port == other.port && way.map(\.place) == other.way.map(\.place)
    }

    /// As it stands in messages.
    var place: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }
}

/// A lease that waits for a channel.
final class WaitingLease {
    let lease: WireLease
    let body: [UInt8]
    /// When it came, in milliseconds of the worker's clock: from then on its time to connect runs.
    var since = 0
    /// Its connection died once before the command was sent; it is not tried a third time.
    var isSecondTry = false
    /// It asked for a signature: it gets no second one.
    var hasAsked = false

    init(_ lease: WireLease, body: [UInt8]) {
        self.lease = lease
        self.body = body
    }

    /// When it must be connected.
    var connectDeadline: Int { since + Int(lease.connectTimeoutMs) }
}
