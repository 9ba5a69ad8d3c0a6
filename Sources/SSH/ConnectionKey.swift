internal import ProtocolMessages
internal import SwiftProtobuf

/// What leases must have in common to share a connection: all that decides who talks to whom, under which key.
struct ConnectionKey: Hashable {
    let address: String
    let port: UInt32
    let user: String
    let identity: String
    let publicKey: [UInt8]
    let hostKeys: [[UInt8]]

    init(_ lease: WireLease) {
        address = lease.address
        port = lease.port
        user = lease.user
        identity = lease.identity
        publicKey = [UInt8](lease.publicKey)
        hostKeys = lease.hostKeys.map { [UInt8]($0) }
    }

    /// As it stands in messages.
    var place: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }
}

/// A lease that waits for a channel.
final class WaitingLease {
    let lease: WireLease
    let body: [UInt8]
    /// Its connection died once before the command was sent; it is not tried a third time.
    var isSecondTry = false
    /// It asked for a signature: it gets no second one.
    var hasAsked = false

    init(_ lease: WireLease, body: [UInt8]) {
        self.lease = lease
        self.body = body
    }
}
