internal import CLinux
internal import CSSH2
internal import Glibc
internal import ProtocolMessages

/// Asks a host for its keys, without logging in: what an operator compares and pins.
public enum HostScan {
    /// One key for each type the host has. Blocks for at most `timeout` milliseconds a type.
    ///
    /// - Throws: ``WorkerFailure`` naming the host and the step, when it does not answer at all.
    public static func keys(address: String, port: UInt16, timeout: Int) throws -> [HostKey] {
        libssh2_init(0)
        var keys: [HostKey] = []
        var reason = "no key of a type that can be pinned"
        for type in ["ssh-ed25519", "ecdsa-sha2-nistp256"] {
            do throws(SSHFailure) {
                if let key = try key(address, port, type, timeout: timeout) { keys.append(key) }
            } catch {
                reason = error.message
            }
        }
        guard !keys.isEmpty else { throw WorkerFailure("\(address):\(port): \(reason)") }
        return keys
    }

    private static func key(_ address: String, _ port: UInt16, _ type: String, timeout: Int) throws(SSHFailure) -> HostKey? {
        let deadline = Monotonic.now() + timeout
        let descriptor = try TCP.connect(address, port, deadline: deadline)
        let session = try SSHSession(descriptor: descriptor, hostKeyTypes: [type])
        while session.flush() {
            switch session.handshake() {
            case .done: return HostKey(blob: session.hostKey)
            case .failed: throw SSHFailure(.unreachable, "key exchange: \(session.errorText)")
            case .again: try TCP.wait(descriptor, session.events, deadline: deadline, step: "key exchange")
            }
        }
        throw SSHFailure(.unreachable, "key exchange: the host has closed the connection")
    }
}

/// Blocking helpers for one connection at a time.
enum TCP {
    /// Tries the addresses of a host one after the other.
    static func connect(_ host: String, _ port: UInt16, deadline: Int) throws(SSHFailure) -> Int32 {
        var failure = SSHFailure(.unreachable, "tcp connect took too long")
        for var address in try NameLookup.addresses(host).get() {
            let descriptor = unsafe sallyport_tcp_connect(&address, port)
            var result = descriptor
            if descriptor >= 0 {
                do throws(SSHFailure) {
                    try wait(descriptor, Int16(POLLOUT), deadline: deadline, step: "tcp connect")
                } catch {
                    close(descriptor)
                    throw error
                }
                result = sallyport_tcp_result(descriptor)
                if result == 0 { return descriptor }
                close(descriptor)
            }
            let text = unsafe strerror(-result).map { unsafe String(cString: $0) } ?? "error \(-result)"
            failure = SSHFailure(.unreachable, "tcp connect: \(text)")
        }
        throw failure
    }

    static func wait(_ descriptor: Int32, _ events: Int16, deadline: Int, step: String) throws(SSHFailure) {
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        let left = deadline - Monotonic.now()
        // A host that never stops sending is ready each time.
        guard left > 0, unsafe poll(&entry, 1, Int32(left)) > 0 else {
            throw SSHFailure(.unreachable, "\(step) took too long")
        }
    }
}
