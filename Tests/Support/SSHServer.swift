public import Foundation
import Glibc

/// A private sshd on loopback with keys and settings of its own.
public final class SSHServer {
    /// Where it listens, on 127.0.0.1.
    public let port: Int
    /// Its files.
    public let folder: URL
    private let daemon: Daemon

    /// Private half; `.pub` beside it.
    public var hostKeyFile: URL { folder.appending(path: "host_ed25519") }

    /// Makes the files; `authorizedKeys` are the lines of keys that may log in as the user who runs the tests.
    public init(folder: URL, authorizedKeys: [String]) throws {
        self.folder = folder
        port = try FreePort.next()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Command.run(
            "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.appending(path: "host_ed25519").path])
        try (authorizedKeys.joined(separator: "\n") + "\n").write(
            to: folder.appending(path: "authorized_keys"), atomically: true, encoding: .utf8)
        // SHLVL: a bash that thinks it is not the first one reads no start-up file; what the user's does there is not under test.
        let settings = """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder.path)/host_ed25519
            AuthorizedKeysFile \(folder.path)/authorized_keys
            PidFile none
            StrictModes no
            SetEnv SHLVL=2
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

    /// Starts it and waits until it answers.
    public func start() throws {
        try daemon.start()
        guard eventually({ FreePort.answers(port) }) else { throw TestBedError("sshd does not answer: \(daemon.text)") }
    }

    /// Of the one that listens; 0 before the start.
    public var pid: Int32 { daemon.pid }

    /// Its processes that serve a connection.
    public var sessions: [Int32] {
        let all = ProcessTable.all()
        func below(_ parents: [Int32]) -> [Int32] {
            let children = all.filter { parents.contains($0.parent) && $0.commandLine.hasPrefix("sshd") }.map(\.pid)
            return children.isEmpty ? [] : children + below(children)
        }
        return below([pid])
    }

    /// Ends it; connections go on when the signal leaves them alone.
    public func stop(_ signal: Int32 = SIGTERM) { daemon.stop(signal) }

    /// Listens on these addresses too, from the next start on.
    public func add(addresses: [String]) throws {
        let file = folder.appending(path: "sshd_config")
        let more = addresses.map { "\nListenAddress \($0)" }.joined()
        try (String(contentsOf: file, encoding: .utf8) + more).write(to: file, atomically: true, encoding: .utf8)
    }

    /// Another host key from the next start on.
    public func changeHostKey() throws {
        try FileManager.default.removeItem(at: hostKeyFile)
        try FileManager.default.removeItem(at: hostKeyFile.appendingPathExtension("pub"))
        try Command.run("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKeyFile.path])
    }

    /// Of the host key, as ssh-keygen prints it.
    public var fingerprint: String {
        get throws {
            let words = try Command.run("/usr/bin/ssh-keygen", ["-l", "-f", hostKeyFile.path + ".pub"]).output.split(
                separator: " ")
            guard words.count > 1 else { throw TestBedError("ssh-keygen says nothing of \(hostKeyFile.path)") }
            return String(words[1])
        }
    }

    /// What it has said.
    public var log: String { daemon.text }
}
