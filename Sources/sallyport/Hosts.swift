import ArgumentParser
import SSH

/// The hosts that commands run on.
struct Hosts: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at hosts.",
        discussion: """
            Examples:
              sallyport hosts scan 10.0.0.11 --pin /etc/sallyport/known_hosts
              sallyport hosts check --all
            """, subcommands: [HostsScan.self, HostsCheck.self])
}

/// `sallyport hosts scan`
struct HostsScan: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Show a host's keys, and pin them.",
        discussion: """
            Compare the fingerprints with those the host's console shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) before you pin.

            Examples:
              sallyport hosts scan 10.0.0.11
              sallyport hosts scan db.internal --port 2222 --pin /etc/sallyport/known_hosts
            """
    )

    @Argument(help: "Address or name, as in the executor's settings.")
    var address: String

    @Option(help: "Port.")
    var port: UInt16 = 22

    @Option(help: "Append the keys to this known_hosts file.")
    var pin: String?

    func run() throws {
        try reporting {
            let keys: [HostKey]
            do {
                keys = try HostScan.keys(address: address, port: port, timeout: 10_000)
            } catch {
                throw CommandFailure("\(error)", code: .unavailable)
            }
            let lines = keys.map { $0.knownHostsLine(host: address, port: port) }
            for key in keys { Output.error("\(key.fingerprint) (\(key.type))") }
            if let pin {
                try FileOutput.append(lines, to: pin)
                Output.error("pinned in \(pin)")
            } else {
                lines.forEach(Output.line)
            }
        }
    }
}
