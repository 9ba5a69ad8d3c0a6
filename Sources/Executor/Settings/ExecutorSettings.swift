internal import Authentication
internal import JobProtocol
public import Logging
public import Sandbox
public import Settings
internal import SettingsReload

/// The executor's settings, checked as a whole: either all of it is good or nothing is used.
public struct ExecutorSettings: Sendable {
    /// Where they stand.
    let file: String
    let fixed: FixedSettings
    let ingresses: [IngressPeer]
    let keyID: String
    let signingKey: Ed25519PrivateKey
    let adminSocket: String
    let adminMode: UInt32
    let admin: AdminAccess
    let workers: WorkerSettings
    let minimumLandlock: Int
    /// Of the log.
    public let logLevel: Logger.Level
    let journal: JournalSettings
    let audit: AuditSettings
    /// Nil for none.
    let traces: TraceSettings?
    let hosts: HostDirectory
    let policy: Policy

    /// Keys at the top of the file.
    static let keys = [
        "ingresses", "key-id", "signing-key", "admin", "workers", "journal", "audit", "known-hosts", "identities", "hosts",
        "groups", "jobs", "sandbox", "traces", "log",
    ]

    /// Reads a file and the secrets it names.
    ///
    /// - Throws: `SettingsProblems` with everything that is wrong, each with file and line.
    public init(file: String) throws(SettingsProblems) {
        let source = try SettingsFile(path: file)
        let root = source.root.mapping(Self.keys)
        self.file = file
        fixed = Self.fixed(root)
        minimumLandlock = root.optional("sandbox").minimumLandlock()
        logLevel = root.optional("log").mapping("level").optional("level").choice(Logger.Level.self) ?? .info
        let ingresses = Self.ingresses(root.required("ingresses"))
        let keyID = root.optional("key-id")
        self.keyID = keyID.isPresent ? keyID.name() ?? "" : "executor"
        let key = root.required("signing-key").signingKey()
        let admin = root.required("admin").mapping(AdminSettings.keys)
        adminSocket = admin.required("socket").socketPath() ?? ""
        adminMode = admin.optional("mode").fileMode() ?? 0o600
        self.admin = AdminSettings.access(admin)
        journal = JournalSettings(root.required("journal"))
        let audit = AuditSettings.read(root.optional("audit"), beside: journal.store.folder, keyID: self.keyID, key: key)
        traces = TraceSettings(root.optional("traces"), journal: journal.store.file, audit: audit?.path)
        let identities = HostSettings.identities(root.required("identities"))
        let known = HostSettings.knownHosts(root.required("known-hosts"))
        let named = Set(root.required("identities").entries().map(\.name))
        var hosts = HostSettings.hosts(root.required("hosts"), identities: identities, named: named, known: known)
        hosts.groups = HostSettings.groups(root.optional("groups"), hosts: hosts)
        self.hosts = hosts
        workers = WorkerSettings(root.optional("workers"), adminSocket: adminSocket, places: hosts.places)
        policy = JobSettings.policy(root.required("jobs"), hosts: hosts, ingresses: Set(ingresses.map(\.name)))
        self.ingresses = ingresses
        try source.finish()
        // A missing key is one of the problems that were just thrown.
        guard let key, let audit else { throw SettingsProblems(problems: []) }
        signingKey = key
        self.audit = audit
    }

    private static func ingresses(_ node: SettingsNode) -> [IngressPeer] {
        let entries = node.entries()
        if entries.isEmpty, node.isPresent { node.problem("at least one ingress is needed") }
        return entries.map { name, value in
            let ingress = value.mapping("socket", "trusted-key", "trusted-keys", "allow-uids")
            let one = ingress.optional("trusted-key")
            let several = ingress.optional("trusted-keys")
            if one.isPresent == several.isPresent { value.problem("write either `trusted-key` or `trusted-keys`") }
            // A single key is trusted under the name the ingress gives its key by itself.
            var keys: [String: Ed25519PublicKey] = one.publicKey().map { ["ingress": $0] } ?? [:]
            for entry in several.entries() { keys[entry.name] = entry.value.publicKey() }
            return IngressPeer(
                name: name, socket: ingress.required("socket").socketPath() ?? "", trusted: TrustedKeys(keys),
                allowedUIDs: ingress.optional("allow-uids").uids() ?? [ownUID()])
        }
    }

    /// What the executor may reach once it serves: its journal's folder and its audit log's; and its workers by SIGKILL, when one is stuck.
    public var files: FileAccess {
        let folders = [journal.store.folder, audit.path].compactMap { $0 }
        return FileAccess(readable: [FileAccess.threadStates], usable: folders, signals: true)
    }

    /// The settings in words, for `check`.
    public var summary: String {
        let count = hosts.targets.count
        var lines = ["settings are good: \(policy.jobs.count) jobs on \(count) hosts, policy \(policy.digest.prefix(16))"]
        for job in policy.jobs.values.sorted(by: { $0.name < $1.name }) {
            lines.append(job.words)
            lines += job.warnings.map { "  warning: \($0)" }
        }
        lines += IdentityWords(hosts: hosts, now: WallClock.now() / 1000).lines
        for reason in hosts.unpinned.values.sorted() { lines.append("warning: \(reason)") }
        return lines.joined(separator: "\n")
    }
}
