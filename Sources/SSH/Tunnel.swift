internal import Glibc
internal import ProtocolMessages

/// The way to a host through a jump host: a channel of the jump host's connection, and a pair of sockets that the host's own session
/// speaks over as if it were TCP. The jump host's connection carries bytes between the two.
final class Tunnel {
    enum State {
        /// For the jump host's connection, or for its turn there.
        case waiting
        case open(SSHChannel)
        /// Only to be closed.
        case closing(SSHChannel, until: Int)
        case done
    }

    /// The connection it goes through.
    let key: ConnectionKey
    /// Where it leads to.
    let address: String
    let port: UInt32
    /// Names of the jump host and the host behind it.
    let jump: String
    let host: String
    /// For whom, and the jump host's place on that lease's way.
    let lease: WaitingLease
    let hop: Int
    var state = State.waiting
    /// The jump host was asked to connect.
    var isAsked = false
    /// A signature for the jump host was asked for: there is no second one.
    var hasAsked = false
    /// Its connection died before it was open; it is not tried a third time.
    var isSecondTry = false
    /// Why it is not there, or is no more.
    private(set) var failure: SSHFailure?
    /// Nobody wants it any more.
    private(set) var isAbandoned = false
    /// This side's socket; the other's once it is open, until it is taken.
    private(set) var socket: Int32 = -1
    private var other: Int32 = -1
    /// Bytes on their way to the host, and back.
    var outgoing: ArraySlice<UInt8> = []
    var incoming: ArraySlice<UInt8> = []

    /// - Parameter hop: index of the jump host in the lease's way.
    init(to target: ConnectionKey, host: String, for lease: WaitingLease, hop: Int) {
        key = target.jumpKey
        (address, port) = (target.address, target.port)
        jump = lease.lease.jumps[hop].host
        self.host = host
        self.lease = lease
        self.hop = hop
    }

    deinit { closeSockets() }

    var isWaiting: Bool { if case .waiting = state { true } else { false } }
    var isDone: Bool { if case .done = state { true } else { false } }

    /// What the socket is waited for.
    func events(hasRoom: Bool) -> Int16 {
        guard case .open = state, socket >= 0 else { return 0 }
        return (outgoing.isEmpty && hasRoom ? Int16(POLLIN) : 0) | (incoming.isEmpty ? 0 : Int16(POLLOUT))
    }

    /// The host's side of it, to be taken once.
    func take() -> Int32? {
        guard other >= 0 else { return nil }
        defer { other = -1 }
        return other
    }

    /// The channel is there.
    func open(_ channel: SSHChannel) {
        state = .open(channel)
        var pair: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &pair) == 0 else {
            return end(SSHFailure(.busy, "a pair of sockets for the way through \(jump): error \(errno)"))
        }
        (socket, other) = (pair[0], pair[1])
    }

    /// It is over, for a reason that whoever speaks over it may tell.
    func end(_ because: SSHFailure) {
        if failure == nil { failure = because }
        closeSockets()
    }

    /// Whoever asked for it has gone.
    func abandon() {
        isAbandoned = true
        closeSockets()
    }

    private func closeSockets() {
        for descriptor in [socket, other] where descriptor >= 0 { close(descriptor) }
        (socket, other) = (-1, -1)
    }
}
