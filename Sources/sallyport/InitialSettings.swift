import Authentication

/// The settings files that `init` writes.
enum InitialSettings {
    /// A GitHub push, cut down to what the first hook reads.
    static let sample = """
        {
          "ref": "refs/heads/main",
          "after": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
          "repository": { "full_name": "octo-org/octo-repo" }
        }

        """

    static func ingress(_ layout: Layout, executorKey: Ed25519PublicKey, http: UInt16, operations: UInt16) -> String {
        """
        # The gate that meets the network. It holds no SSH key.
        listen: { address: 127.0.0.1, port: \(http) }
        # Health and metrics; keep it off the internet.
        operations: { address: 127.0.0.1, port: \(operations) }
        executor:
          socket: \(layout.root)/run/jobs.sock
          mode: "0660"
          # Users the executor may run as; add its uid when it has one of its own.
          allow-uids: [\(uid)]
          signing-key: { file: \(layout.ingressKey) }
          trusted-keys: { executor: "\(executorKey)" }
        hooks:
          github:                               # POST /hooks/github
            verify: { hookdeck: { secret: { file: \(layout.hookdeckSecret) } } }
            token:
              header: X-Sallyport-Token
              issuer: sallyport-init
              audience: sallyport
              keys: { file: \(layout.tokenKeys) }
              forward: true                     # the executor verifies it again
            job: deploy
            parameters:
              sha: { payload: /after }
              repository: { payload: /repository/full_name }
            respond: sync
            wait: 25s

        """
    }

    static func executor(_ layout: Layout, ingressKey: Ed25519PublicKey, host: String, port: UInt16, user: String) -> String {
        """
        # The gate that holds the keys. It never meets the network.
        ingresses:
          edge: { socket: \(layout.root)/run/jobs.sock, trusted-key: "\(ingressKey)", allow-uids: [\(uid)] }
        signing-key: { file: \(layout.executorKey) }
        admin: { socket: \(layout.root)/run/admin.sock }
        journal: { sqlite: \(layout.root)/state/journal.db, keep: 30d }
        known-hosts: \(layout.knownHosts)
        identities:
          deploy: { private-key: { file: \(layout.identity) } }
        hosts:
          web-1: { address: \(host), port: \(port), user: \(user), identity: deploy }
        jobs:
          deploy:
            # An argument vector, never a shell line. What a caller sends fills marked places only, after it matched its pattern.
            command: [echo, "deploying {repository} at {sha}"]
            destinations: [web-1]
            parameters:
              sha: { pattern: "[0-9a-f]{40}" }
              repository: { pattern: "[A-Za-z0-9._-]+/[A-Za-z0-9._-]+" }
            timeout: 20s
            token:
              issuer: sallyport-init
              audience: sallyport
              keys: { file: \(layout.tokenKeys) }
              claims: { sub: deployer }

        """
    }

    private static var uid: UInt32 { FileOutput.ownUID }
}
