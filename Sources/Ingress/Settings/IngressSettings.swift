internal import Authentication
internal import JobProtocol
public import Logging
internal import NIOCore
public import Sandbox
public import Settings
internal import SettingsReload

/// The ingress's settings, checked as a whole: either all of it is good or nothing is used.
public struct IngressSettings: Sendable {
    /// The file they were read from.
    public let file: String
    let listen: ListenSettings
    let operations: ListenPlace?
    let trustedProxies: TrustedProxies
    let limits: LimitSettings
    let minimumLandlock: Int
    /// Of the log.
    public let logLevel: Logger.Level
    let jobSocket: String
    let jobSocketMode: UInt32
    let executorUIDs: Set<UInt32>
    let keyID: String
    let signingKey: Ed25519PrivateKey
    let trustedKeys: TrustedKeys
    let hooks: [String: Hook]
    let spool: SpoolSettings?
    /// Who may ask after jobs; nil for nobody.
    let jobReading: JobReadRule?
    /// What a reload cannot change.
    let fixed: FixedSettings

    /// Reads a file and the secrets it names.
    ///
    /// - Throws: `SettingsProblems` with everything that is wrong, each with file and line.
    public init(file: String) throws(SettingsProblems) {
        let source = try SettingsFile(path: file)
        let root = source.root.mapping(Self.keys)
        self.file = file
        fixed = FixedSettings(root)
        let listen = ListenSettings(root.required("listen"))
        operations = Self.operations(root.optional("operations"))
        trustedProxies = root.optional("trusted-proxies").trustedProxies()
        limits = LimitSettings(root.optional("limits"))
        minimumLandlock = root.optional("sandbox").minimumLandlock()
        logLevel = root.optional("log").mapping("level").optional("level").choice(Logger.Level.self) ?? .info
        let executor = root.required("executor").mapping("socket", "mode", "allow-uids", "key-id", "signing-key", "trusted-keys")
        jobSocket = executor.required("socket").socketPath() ?? ""
        jobSocketMode = executor.optional("mode").fileMode() ?? 0o660
        // Asked for in any case: at a reload, when the process is sealed, it must be known already.
        let own = ownUID()
        executorUIDs = executor.optional("allow-uids").uids() ?? [own]
        let keyID = executor.optional("key-id")
        self.keyID = keyID.isPresent ? keyID.name() ?? "" : "ingress"
        let key = executor.required("signing-key").signingKey()
        let trusted = executor.required("trusted-keys")
        var keys: [String: Ed25519PublicKey] = [:]
        for entry in trusted.entries() { keys[entry.name] = entry.value.publicKey() }
        if keys.isEmpty, trusted.isPresent { trusted.problem("at least one key of an executor is needed") }
        trustedKeys = TrustedKeys(keys)
        let node = root.required("hooks")
        var hooks: [String: Hook] = [:]
        let entries = node.entries()
        if entries.isEmpty, node.isPresent { node.problem("at least one hook is needed") }
        for entry in entries { hooks[entry.name] = HookSettings.hook(entry.name, entry.value) }
        let spool = SpoolSettings(root.optional("spool"))
        for entry in entries where hooks[entry.name]?.spools == true && spool == nil {
            entry.value.problem("`when-executor-away: spool` needs a `spool: {directory: …}` beside `hooks`")
        }
        self.spool = spool
        for entry in entries { HookSettings.checkMutualTLS(entry.value, hooks[entry.name], listen) }
        self.hooks = hooks
        jobReading = JobReadSettings.rule(root.optional("jobs"), hooks: Set(entries.map(\.name)))
        try source.finish()
        // A missing key is one of the problems that were just thrown.
        guard let key, let listen else { throw SettingsProblems(problems: []) }
        signingKey = key
        self.listen = listen
    }

    /// The keys at the top of the file.
    static let keys = [
        "listen", "operations", "trusted-proxies", "limits", "executor", "hooks", "jobs", "sandbox", "spool", "log",
    ]

    /// What the process may reach once it serves: nothing, or the folder of its spool.
    public var files: FileAccess { FileAccess(usable: spool.map { [$0.directory] } ?? []) }

    /// What it may do.
    public var profile: SandboxProfile { spool == nil ? .ingress : .spoolingIngress }

    /// The place of the operations listener; it has no TLS.
    static func operations(_ node: SettingsNode) -> ListenPlace? {
        node.isPresent ? ListenPlace.read(node, node.mapping(ListenPlace.keys)) : nil
    }

    /// The settings in words, for `check`.
    public var summary: String {
        var lines = ["settings are good: \(hooks.count) hooks on \(listen.place)"]
        lines += listenSummary
        for hook in hooks.values.sorted(by: { $0.name < $1.name }) {
            var demands: [String] = []
            if let verification = hook.verification {
                demands.append(
                    verification.schemes.count > 1 && hook.token != nil ? "(\(verification.summary))" : verification.summary)
            }
            if let token = hook.token { demands.append(token.summary) }
            let condition =
                demands.isEmpty ? "anybody who can reach it (verify: none)" : "whoever has " + demands.joined(separator: " and ")
            let path = hook.name + (hook.verification?.usesPath == true ? "/{secret}" : "")
            lines.append("hook \(hook.name): POST /hooks/\(path) asks for job \(hook.job) on behalf of \(condition)")
            lines += hook.conditionsInWords
            lines += hook.dedupeWords
            lines.append(hook.limitSummary)
        }
        if let spool { lines.append(spool.words(hooks: hooks.values.filter(\.spools).map(\.name).sorted())) }
        lines.append(jobReading?.summary ?? "jobs: nobody may ask after them (no `jobs`)")
        return lines.joined(separator: "\n")
    }
}
