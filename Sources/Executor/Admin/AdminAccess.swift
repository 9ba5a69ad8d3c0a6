/// Who may ask what over the admin socket, by what the kernel says of the peer.
struct AdminAccess: Sendable {
    /// What a peer may do.
    enum Role: Sendable {
        /// Look at jobs.
        case read
        /// And change what becomes of them.
        case operate
    }

    /// Users and groups of the settings. A group counts when it is the peer's effective one.
    struct Peers: Sendable, Equatable {
        var uids: Set<UInt32> = []
        var gids: Set<UInt32> = []

        func contain(uid: UInt32, gid: UInt32) -> Bool { uids.contains(uid) || gids.contains(gid) }
    }

    var operators: Peers
    var readers = Peers()

    /// Nil for a peer that may not ask anything.
    func role(uid: UInt32, gid: UInt32) -> Role? {
        if operators.contain(uid: uid, gid: gid) { return .operate }
        return readers.contain(uid: uid, gid: gid) ? .read : nil
    }
}

/// One peer of the admin socket.
struct AdminPeer: Sendable {
    let role: AdminAccess.Role
    let uid: UInt32

    /// As in `ann (uid 1000)`: what the command says of its user, and what the kernel says.
    func name(_ claimed: String) -> String {
        let allowed = claimed.utf8.prefix(32).filter { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            default: "._-".utf8.contains(byte)
            }
        }
        let name = String(decoding: allowed, as: UTF8.self)
        return name.isEmpty ? "uid \(uid)" : "\(name) (uid \(uid))"
    }
}

/// A peer that the settings do not name.
struct AdminRefusal: Error, CustomStringConvertible {
    let uid: UInt32
    let gid: UInt32

    var description: String { "uid \(uid) with gid \(gid) is neither among the operators nor the readers of `admin`" }
}
