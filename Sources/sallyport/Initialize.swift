import ArgumentParser
import Authentication
import Glibc

/// `sallyport init`
struct Initialize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make keys, both settings files and a first hook in a folder.",
        discussion: """
            Both processes start from what it writes, unchanged. It overwrites nothing, and prints what to do next.

            Examples:
              sallyport init box                        a first run on this machine
              sallyport init /etc/sallyport --host 10.0.0.11 --user deploy
            """)

    @Argument(help: "The folder; made when it is not there.")
    var folder: String

    @Option(help: "Address of the host that commands run on.")
    var host = "127.0.0.1"

    @Option(help: "Its SSH port.")
    var port: UInt16 = 22

    @Option(help: "User to log in as.")
    var user = "deploy"

    @Option(help: "Port the ingress listens on, on 127.0.0.1.")
    var httpPort: UInt16 = 8080

    @Option(help: "Port for health and metrics, on 127.0.0.1.")
    var operationsPort: UInt16 = 9080

    func run() throws {
        try reporting {
            let layout = try Layout(folder)
            try layout.makeFolders()
            let keys = try InitialKeys(layout)
            try FileOutput.text(
                InitialSettings.ingress(layout, executorKey: keys.executor, http: httpPort, operations: operationsPort),
                to: layout.ingress)
            try FileOutput.text(
                InitialSettings.executor(layout, ingressKey: keys.ingress, host: host, port: port, user: user),
                to: layout.executor)
            try FileOutput.text(
                "# Pinned host keys; add one with: sallyport hosts scan HOST --pin \(layout.knownHosts)\n", to: layout.knownHosts)
            Output.line("wrote \(layout.ingress) and \(layout.executor)")
            Output.line("next:")
            Output.line("  1. let the key in, on \(host), in ~\(user)/.ssh/authorized_keys:")
            Output.line("     restrict \(keys.identityLine)")
            Output.line("  2. pin the host's key:      sallyport hosts scan \(host) --port \(port) --pin \(layout.knownHosts)")
            Output.line("  3. start the executor:      sallyport-executor serve --config \(layout.executor)")
            Output.line("  4. start the ingress:       sallyport-ingress serve --config \(layout.ingress)")
            Output.line(
                "  5. mint a token:            sallyport token issue --key \(layout.tokenKey) --issuer sallyport-init --audience sallyport --subject deployer --key-id init > token"
            )
            Output.line(
                "  6. send a delivery:         sallyport send http://127.0.0.1:\(httpPort)/hooks/github \(layout.sample) --secret \(layout.hookdeckSecret) --token-file token"
            )
        }
    }
}

/// Where `init` puts things.
struct Layout {
    let root: String

    init(_ folder: String) throws {
        if folder.hasPrefix("/") {
            root = folder
        } else {
            guard let here = unsafe getcwd(nil, 0) else { throw CommandFailure("the current folder has no name", code: .usage) }
            defer { unsafe free(here) }
            root = unsafe String(cString: here) + "/" + folder
        }
        let longest = "\(root)/run/workers.sock"
        guard longest.utf8.count <= 107 else {
            throw CommandFailure("\(root): the path is too long for the sockets in it (unix(7): 107 bytes)", code: .usage)
        }
    }

    var ingress: String { "\(root)/ingress.yaml" }
    var executor: String { "\(root)/executor.yaml" }
    var knownHosts: String { "\(root)/known_hosts" }
    var tokenKey: String { "\(root)/secrets/token.key" }
    var tokenKeys: String { "\(root)/token-keys.json" }
    var hookdeckSecret: String { "\(root)/secrets/hookdeck" }
    var ingressKey: String { "\(root)/secrets/ingress.key" }
    var executorKey: String { "\(root)/secrets/executor.key" }
    var identity: String { "\(root)/secrets/deploy.key" }
    var sample: String { "\(root)/push.json" }

    func makeFolders() throws {
        for folder in [root, "\(root)/secrets", "\(root)/run", "\(root)/state"] { try FileOutput.folder(folder) }
    }
}

/// The keys of a first run.
struct InitialKeys {
    let ingress: Ed25519PublicKey
    let executor: Ed25519PublicKey
    let identityLine: String

    init(_ layout: Layout) throws {
        ingress = try Self.make(layout.ingressKey).publicKey
        executor = try Self.make(layout.executorKey).publicKey
        let token = try Self.make(layout.tokenKey)
        try FileOutput.text(token.publicKey.jwks(keyID: "init"), to: layout.tokenKeys)
        let identity = try Ed25519PrivateKey.generate()
        try FileOutput.secret(try identity.openSSH(comment: "sallyport"), to: layout.identity)
        identityLine = try identity.authorizedKeysLine(comment: "sallyport")
        try FileOutput.text(identityLine + "\n", to: layout.identity + ".pub")
        try FileOutput.secret(
            SecretBytes(copying: (Hex.encode(Random.bytes(24)) + "\n").utf8.map { $0 }), to: layout.hookdeckSecret)
        try FileOutput.text(InitialSettings.sample, to: layout.sample)
    }

    private static func make(_ file: String) throws -> Ed25519PrivateKey {
        let key = try Ed25519PrivateKey.generate()
        try FileOutput.secret(try key.pem(), to: file)
        return key
    }
}
