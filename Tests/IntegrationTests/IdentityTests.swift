import Foundation
import Glibc
import TestSupport
import Testing

/// Keys that are not in a file of the executor's, with the real binaries, OpenSSH's own agent and a real sshd.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct IdentityTests {
    private let bed: TestBed
    private let folder: String

    init() throws {
        bed = try TestBed(start: false)
        folder = bed.folder.path
    }

    /// Another identity in the executor's settings; `init` wrote a file of its own there.
    private func use(_ identity: String) throws {
        let file = bed.box.appending(path: "executor.yaml")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
        let index = try #require(lines.firstIndex { $0.hasPrefix("  deploy: { private-key:") })
        var changed = lines.map(String.init)
        changed[index] = "  deploy: { \(identity) }"
        try changed.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    }

    private func makeKey(_ type: String, _ name: String, authorized: Bool) throws -> String {
        let file = "\(folder)/\(name)"
        try Command.run("/usr/bin/ssh-keygen", ["-q", "-t", type, "-N", "", "-f", file])
        let keys = bed.server.folder.appending(path: "authorized_keys")
        let line = authorized ? try String(contentsOfFile: file + ".pub", encoding: .utf8) : ""
        try line.write(to: keys, atomically: true, encoding: .utf8)
        return file
    }

    private func check() throws -> Command {
        try Command.run(
            try TestBed.binary("sallyport-executor"), ["check", "--config", bed.box.appending(path: "executor.yaml").path])
    }

    /// A delivery that no other is a duplicate of.
    private func another() throws -> HookAnswer {
        try bed.deliver(TestBed.push.replacingOccurrences(of: "6113728f", with: String(Int.random(in: 10_000_000...99_999_999))))
    }

    private func deliverAfresh() throws -> HookAnswer {
        // A connection that stands needs no signature.
        for pid in bed.processes("sallyport-ssh-worker") { kill(pid, SIGKILL) }
        return try another()
    }

    @Test(arguments: ["ed25519", "ecdsa"])
    func `a key in an ssh-agent logs in, and without the agent nothing starts and the answer says what to do`(type: String) throws
    {
        let key = try makeKey(type, "agent-key", authorized: true)
        let socket = "\(folder)/agent.sock"
        let agent = Daemon("/usr/bin/ssh-agent", ["-D", "-a", socket], log: URL(filePath: "\(folder)/agent.log"))
        try use("agent: { socket: \(socket), public-key: { file: \(key).pub } }")
        #expect(try check().output.contains("warning: ssh-agent at \(socket): there is no socket"))
        try agent.start()
        defer { agent.stop() }
        #expect(eventually { FileManager.default.fileExists(atPath: socket) })
        #expect(try check().output.contains("it does not have SHA256:"))
        #expect(try Command.run("/usr/bin/ssh-add", ["-q", key], environment: ["SSH_AUTH_SOCK": socket]).code == 0)
        let words = try check()
        #expect(words.output.contains("in the ssh-agent at \(socket), which has it"), "\(words.output)\(words.errors)")
        // The executor itself has no private key of that identity to read.
        try FileManager.default.removeItem(atPath: key)
        try bed.start()
        let answer = try bed.deliver()
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try Command.run("/usr/bin/ssh-add", ["-q", "-D"], environment: ["SSH_AUTH_SOCK": socket]).code == 0)
        let declined = try deliverAfresh()
        #expect(declined.status == 502)
        #expect(
            declined["error"]?.contains("ssh-agent at \(socket): it declines to sign with SHA256:") == true, "\(declined.text)")
        agent.stop()
        let away = try deliverAfresh()
        #expect(away.status == 502)
        #expect(away["reason"] == "authentication")
        #expect(away["error"]?.contains("ssh-agent at \(socket): ") == true, "\(away.text)")
        #expect(away["error"]?.contains("start the agent") == true, "\(away.text)")
    }

    @Test(arguments: [false, true])
    func `an ECDSA certificate of a CA that the host trusts logs in, and an expired one is an error that names the date`(
        isInAgent: Bool
    )
        throws
    {
        let key = try makeKey("ecdsa", "certified", authorized: false)
        try Command.run("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/ca"])
        let configuration = bed.server.folder.appending(path: "sshd_config")
        bed.server.stop()
        try (try String(contentsOf: configuration, encoding: .utf8) + "\nTrustedUserCAKeys \(folder)/ca.pub\n")
            .write(to: configuration, atomically: true, encoding: .utf8)
        try bed.server.start()
        func sign(_ validity: String) throws {
            let signed = try Command.run(
                "/usr/bin/ssh-keygen",
                ["-q", "-s", "\(folder)/ca", "-I", "deploy", "-n", NSUserName(), "-V", validity, key + ".pub"])
            #expect(signed.code == 0, "\(signed.errors)")
        }
        try sign("-1m:+1h")
        let socket = "\(folder)/agent.sock"
        let agent = Daemon("/usr/bin/ssh-agent", ["-D", "-a", socket], log: URL(filePath: "\(folder)/agent.log"))
        if isInAgent {
            try agent.start()
            #expect(eventually { FileManager.default.fileExists(atPath: socket) })
            // Without the certificate beside it, or the agent would take that too.
            try FileManager.default.moveItem(atPath: "\(key)-cert.pub", toPath: "\(folder)/cert")
            #expect(try Command.run("/usr/bin/ssh-add", ["-q", key], environment: ["SSH_AUTH_SOCK": socket]).code == 0)
            try FileManager.default.moveItem(atPath: "\(folder)/cert", toPath: "\(key)-cert.pub")
        }
        defer { agent.stop() }
        let place = isInAgent ? "agent: { socket: \(socket), public-key: { file: \(key).pub } }" : "private-key: { file: \(key) }"
        try use("\(place), certificate: { file: \(key)-cert.pub }")
        #expect(try check().output.contains("with the certificate \"deploy\" for \(NSUserName()) until "))
        try bed.start()
        let answer = try bed.deliver()
        #expect(answer.status == 200, "\(answer.text) \(bed.server.log)")
        #expect(bed.server.log.contains("ECDSA-CERT"))
        // The host would say no more than that it does not accept the key.
        try sign("-2h:-1h")
        kill(bed.executor.pid, SIGHUP)
        #expect(eventually { bed.executor.text.contains("settings are read again") })
        let late = try another()
        #expect(late.status == 502)
        #expect(late["error"]?.contains("the certificate of identity deploy expired at 20") == true, "\(late.text)")
        #expect(try check().output.contains("warning: the certificate of identity deploy expired at 20"))
    }
}
