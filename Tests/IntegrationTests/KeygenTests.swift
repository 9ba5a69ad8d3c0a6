import Foundation
import TestSupport
import Testing

/// `sallyport keygen --form ssh`, with OpenSSH and with the executor.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct KeygenTests {
    /// Comments of each length modulo the eight bytes that the form is padded to.
    @Test(arguments: (0..<9).map { String(repeating: "n", count: $0) } + ["a name, with ü and spaces"])
    func `ssh-keygen reads the key, and its public half is the line that was printed`(name: String) throws {
        let folder = try TemporaryFolder()
        let made = try Command.run(
            try TestBed.binary("sallyport"), ["keygen", "\(folder.path)/key", "--form", "ssh", "--name", name])
        #expect(made.code == 0, "\(made.errors)")
        let shown = try Command.run("/usr/bin/ssh-keygen", ["-y", "-P", "", "-f", "\(folder.path)/key"])
        #expect(shown.code == 0, "\(shown.errors)")
        #expect(
            shown.output.trimmingCharacters(in: .whitespacesAndNewlines)
                == made.output.trimmingCharacters(in: .whitespacesAndNewlines))
        let mode = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/key")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `ssh logs in with the key of a first run, and with one of keygen, and so does the executor`() throws {
        let bed = try TestBed(start: false)
        let key = bed.box.appending(path: "secrets/deploy.key").path
        func login() throws -> Command {
            try Command.run(
                "/usr/bin/ssh",
                [
                    "-F", "none", "-i", key, "-p", "\(bed.server.port)", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
                    "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=\(bed.box.path)/known_hosts",
                    "-o", "StrictHostKeyChecking=yes", "\(NSUserName())@127.0.0.1", "echo", "in",
                ])
        }
        let first = try login()
        #expect(first.output == "in\n", "\(first.errors)")
        for file in [key, key + ".pub"] { try FileManager.default.removeItem(atPath: file) }
        let made = try Command.run(try TestBed.binary("sallyport"), ["keygen", key, "--form", "ssh", "--name", "another"])
        try made.output.write(
            to: bed.server.folder.appending(path: "authorized_keys"), atomically: true, encoding: .utf8)
        let second = try login()
        #expect(second.output == "in\n", "\(second.errors)")
        try bed.start()
        #expect(try bed.deliver().status == 200)
    }
}
