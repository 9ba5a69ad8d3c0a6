import Foundation

/// A private sshd on loopback with keys and settings of its own.
final class SSHServer {
    let port: Int
    let folder: URL
    private let daemon: Daemon

    var hostKeyFile: URL { folder.appending(path: "host_ed25519") }

    /// Makes the files; `authorizedKeys` are the lines of keys that may log in as the user who runs the tests.
    init(folder: URL, authorizedKeys: [String]) throws {
        self.folder = folder
        port = try FreePort.next()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Command.run(
            "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.appending(path: "host_ed25519").path])
        try (authorizedKeys.joined(separator: "\n") + "\n").write(
            to: folder.appending(path: "authorized_keys"), atomically: true, encoding: .utf8)
        let settings = """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder.path)/host_ed25519
            AuthorizedKeysFile \(folder.path)/authorized_keys
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            MaxStartups 100
            LogLevel VERBOSE
            """
        try settings.write(to: folder.appending(path: "sshd_config"), atomically: true, encoding: .utf8)
        if getuid() == 0 { try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true) }
        daemon = Daemon(
            "/usr/sbin/sshd", ["-D", "-e", "-f", folder.appending(path: "sshd_config").path],
            log: folder.appending(path: "sshd.log"))
    }

    func start() throws {
        try daemon.start()
        guard eventually({ FreePort.answers(port) }) else { throw TestBedError("sshd does not answer: \(daemon.text)") }
    }

    func stop(_ signal: Int32 = SIGTERM) { daemon.stop(signal) }

    /// Another host key from the next start on.
    func changeHostKey() throws {
        try FileManager.default.removeItem(at: hostKeyFile)
        try FileManager.default.removeItem(at: hostKeyFile.appendingPathExtension("pub"))
        try Command.run("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKeyFile.path])
    }

    var log: String { daemon.text }
}

/// What stands in the way of a test.
struct TestBedError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Loopback ports that nobody uses at the moment.
enum FreePort {
    static func next() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard bound == 0 else { throw TestBedError("no free port") }
        var length = size
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    static func answers(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(UInt16(port))
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        } == 0
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }
}
