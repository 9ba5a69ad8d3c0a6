internal import Glibc

extension Attack {
    private static let worker: Set<String> = [SandboxProfile.worker.name]
    private static let askers: Set<String> = [SandboxProfile.executor.name, SandboxProfile.exporter.name]

    private static func socket(_ family: Int32, _ kind: Int32 = Int32(SOCK_STREAM.rawValue), _ protocolNumber: Int = 0) -> Int {
        SystemCall.make("socket", Int(family), Int(kind), protocolNumber)
    }

    private static func dial(_ descriptor: Int, _ address: [UInt8]) -> Int {
        descriptor < 0 ? descriptor : SystemCall.make("connect", descriptor, SystemCall.bytes(address), address.count)
    }

    /// `sendto` with data in the first packet (MSG_FASTOPEN, tcp(7)): it connects, and Landlock does not look.
    private static func fastOpen(_ descriptor: Int, _ port: UInt16) -> Int {
        guard descriptor >= 0 else { return descriptor }
        let address = AttackGround.address(port)
        return SystemCall.make(
            "sendto", descriptor, SystemCall.bytes([0x78]), 1, 0x2000_0000, SystemCall.bytes(address), address.count)
    }

    /// One `struct msghdr`, or `struct mmsghdr`, with an address.
    private static func message(_ port: UInt16) -> Int {
        let address = AttackGround.address(port)
        let data = SystemCall.words([SystemCall.bytes([0x78]), 1])
        return SystemCall.words([SystemCall.bytes(address), address.count, data, 1, 0, 0, 0, 0])
    }

    /// Connections that nobody asked for.
    static let network: [Attack] = [
        Attack(.network, "a TCP socket", allowed: worker) { _ in socket(AF_INET) },
        Attack(.network, "a TCP socket, IPv6", allowed: worker) { _ in socket(AF_INET6) },
        Attack(.network, "connect to a port that no settings name", landlock: 4) {
            dial(socket(AF_INET), AttackGround.address($0.port))
        },
        Attack(.network, "the same by MPTCP") {
            dial(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 262), AttackGround.address($0.port))
        },
        Attack(.network, "the same by TCP Fast Open") { fastOpen(socket(AF_INET), $0.port) },
        Attack(.network, "the same by sendmsg") { ground in
            let descriptor = socket(AF_INET)
            return descriptor < 0 ? descriptor : SystemCall.make("sendmsg", descriptor, message(ground.port), 0x2000_0000)
        },
        Attack(.network, "the same by sendmmsg") { ground in
            let descriptor = socket(AF_INET)
            return descriptor < 0 ? descriptor : SystemCall.make("sendmmsg", descriptor, message(ground.port), 1, 0x2000_0000)
        },
        Attack(.network, "take a connection to another peer") { ground in
            // AF_UNSPEC dissolves it.
            let dissolved = dial(Int(ground.connection), [UInt8](repeating: 0, count: 16))
            return dissolved < 0 ? dissolved : dial(Int(ground.connection), AttackGround.address(ground.port))
        },
        Attack(.network, "dial out of a listener") { ground in
            let closed = SystemCall.make("shutdown", Int(ground.listener), Int(SHUT_RDWR))
            return closed < 0 ? closed : fastOpen(Int(ground.listener), ground.port)
        },
        Attack(.network, "bind a TCP port", landlock: 4) { _ in
            let descriptor = socket(AF_INET)
            guard descriptor >= 0 else { return descriptor }
            let address = AttackGround.address(0)
            return SystemCall.make("bind", descriptor, SystemCall.bytes(address), address.count)
        },
        Attack(.network, "listen on TCP") { _ in
            let descriptor = socket(AF_INET)
            return descriptor < 0 ? descriptor : SystemCall.make("listen", descriptor, 1)
        },
        Attack(.network, "a UDP socket", allowed: worker) { _ in socket(AF_INET, Int32(SOCK_DGRAM.rawValue)) },
        Attack(.network, "raw packets") { _ in socket(AF_INET, Int32(SOCK_RAW.rawValue), 1) },
        Attack(.network, "SCTP") { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 132) },
        Attack(.network, "SCTP by its kind of socket") { _ in socket(AF_INET, Int32(SOCK_SEQPACKET.rawValue)) },
        Attack(.network, "raw packets of TCP") { _ in socket(AF_INET, Int32(SOCK_RAW.rawValue), 6) },
        Attack(.network, "a packet socket") { _ in socket(AF_PACKET, Int32(SOCK_RAW.rawValue)) },
        Attack(.network, "netlink") { _ in socket(AF_NETLINK, Int32(SOCK_RAW.rawValue)) },
        Attack(.network, "a virtual machine's socket") { _ in socket(AF_VSOCK) },
        Attack(.network, "the kernel's cryptography by a socket") { _ in socket(AF_ALG, Int32(SOCK_SEQPACKET.rawValue)) },
        Attack(.network, "Bluetooth") { _ in socket(AF_BLUETOOTH, Int32(SOCK_RAW.rawValue), 1) },
        Attack(.network, "a Unix socket", allowed: askers) { _ in socket(AF_UNIX) },
        Attack(.network, "an abstract socket of another process", landlock: 6) {
            dial(socket(AF_UNIX), AttackGround.unixAddress($0.abstract))
        },
        Attack(.network, "pass a descriptor on") { ground in
            SystemCall.make("sendmsg", Int(ground.connection), message(ground.port), 0)
        },
    ]
}
