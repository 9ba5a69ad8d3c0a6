import Foundation
import Glibc
import TestSupport

@testable import SSH

/// An sshd of the test's own on a free loopback port, with keys in a folder of its own.
final class PrivateSSHD {
    let folder: String
    let port: UInt16
    let user: String
    private var daemon: LocalShell?
    private var pid: pid_t { daemon?.pid ?? -1 }
    private let settings: [String]

    /// - Parameter settings: lines that come before the standard ones, which they override.
    init(settings: [String] = [], hostKeyTypes: [String] = ["ed25519"]) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sallyport-sshd-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        self.folder = folder
        port = UInt16(try FreePort.next())
        user = String(cString: getpwuid(geteuid()).pointee.pw_name)
        for type in hostKeyTypes { try Self.makeKey(folder + "/host_\(type)", type) }
        try Self.makeKey(folder + "/user_ed25519", "ed25519")
        try Self.makeKey(folder + "/user_ecdsa", "ecdsa")
        try Self.makeKey(folder + "/stranger", "ed25519")
        let authorized = try ["user_ed25519", "user_ecdsa"].map {
            try String(contentsOfFile: "\(folder)/\($0).pub", encoding: .utf8)
        }
        try authorized.joined().write(toFile: folder + "/authorized_keys", atomically: true, encoding: .utf8)
        self.settings = settings + hostKeyTypes.map { "HostKey \(folder)/host_\($0)" }
        if geteuid() == 0 { try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true) }
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func start() throws {
        let lines =
            settings + [
                "Port \(port)", "ListenAddress 127.0.0.1", "AuthorizedKeysFile \(folder)/authorized_keys", "PidFile none",
                // A bash that thinks it is not the first one reads no start-up file: what the user's does there is not under test.
                "StrictModes no", "SetEnv SHLVL=2",
                "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
                "MaxStartups 100", "LogLevel ERROR",
            ]
        try (lines.joined(separator: "\n") + "\n").write(toFile: folder + "/sshd_config", atomically: true, encoding: .utf8)
        // Not Foundation's Process: its one monitor thread waits for a daemon that has closed its descriptors, and for nobody else then.
        let daemon = try LocalShell("/bin/sh", "exec /usr/sbin/sshd -D -e -f \(folder)/sshd_config >/dev/null 2>&1")
        self.daemon = daemon
        for _ in 0..<500 {
            if FreePort.answers(Int(port)) { return }
            usleep(10_000)
        }
        throw TestBedError("sshd does not answer")
    }

    /// Ends the daemon, every connection and all that runs over them.
    func stop() {
        for process in descendants(commands: true) { kill(process, SIGKILL) }
        daemon?.kill()
        daemon = nil
    }

    /// Ends the daemon's connections at once, without a word to the peer but the end of the TCP stream.
    func dropConnections() { for process in descendants(commands: false) { kill(process, SIGKILL) } }

    /// Stops the daemon's connections: the kernel still acknowledges what comes, and nobody answers.
    func freezeConnections() { for process in descendants(commands: false) { kill(process, SIGSTOP) } }

    /// What the daemon started; without what runs in sessions of its own, that is, the commands.
    private func descendants(commands: Bool) -> [pid_t] {
        var known: Set<pid_t> = [pid]
        var size = 0
        while size != known.count {
            size = known.count
            for process in LocalShell.processes({ known.contains($0.parent) && (commands || Self.isDaemon($0.pid)) }) {
                known.insert(process)
            }
        }
        return known.subtracting([pid]).sorted()
    }

    private static func isDaemon(_ pid: pid_t) -> Bool {
        ((try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) ?? "").hasPrefix("sshd")
    }

    /// Connections that are authenticated now.
    var connectionCount: Int {
        let daemon = pid
        return LocalShell.processes { $0.parent == daemon }.count
    }

    /// The public half of a key file, in wire form.
    func publicKey(_ name: String) throws -> [UInt8] {
        let words = try String(contentsOfFile: "\(folder)/\(name).pub", encoding: .utf8).split(separator: " ")
        guard words.count > 1, let data = Data(base64Encoded: String(words[1])) else {
            throw TestBedError("no public key in \(name).pub")
        }
        return [UInt8](data)
    }

    /// The fingerprint that ssh-keygen prints.
    func fingerprint(_ name: String) throws -> String {
        let text = try Self.run("/usr/bin/ssh-keygen", ["-l", "-f", "\(folder)/\(name).pub"])
        return String(text.split(separator: " ").dropFirst().first ?? "")
    }

    static func makeKey(_ path: String, _ type: String) throws {
        _ = try run("/usr/bin/ssh-keygen", ["-q", "-t", type, "-N", "", "-f", path])
    }

    private static func run(_ path: String, _ arguments: [String]) throws -> String {
        guard let line = ShellQuoting.line([path] + arguments) else { throw TestBedError("an argument has a NUL byte") }
        let shell = try LocalShell("/bin/sh", "exec \(line)")
        let text = String(decoding: shell.readToEnd().stdout, as: UTF8.self)
        guard shell.kill() == 0 else { throw TestBedError("\(path) failed") }
        return text
    }
}
