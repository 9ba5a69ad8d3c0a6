public import Settings

/// What the supervisor tells its SSH workers: all that it reads of the settings.
public struct WorkerLayout: Sendable {
    /// Path of the executor's private socket.
    public let socket: String
    /// Workers to run.
    public let count: Int
    /// TCP ports of the hosts, each once: a worker may connect to no other.
    public let ports: [UInt16]
    /// The version of Landlock below which nothing starts; 0 when the settings do not say.
    public let minimumLandlock: Int

    /// Reads only what the supervisor needs; the executor reports problems with the rest.
    public init(file: String) throws(SettingsProblems) {
        let source = try SettingsFile(path: file)
        let root = source.root.mapping(ExecutorSettings.keys)
        let admin = root.required("admin").mapping(AdminSettings.keys)
        let dialled = root.required("hosts").entries().compactMap { HostSettings.dialled($0.value) }
        let workers = WorkerSettings(
            root.optional("workers"), adminSocket: admin.required("socket").socketPath() ?? "",
            places: Set(dialled.map { "\($0.address):\($0.port)" }))
        socket = workers.socket
        count = workers.count
        ports = Set(dialled.map(\.port)).sorted()
        minimumLandlock = root.optional("sandbox").minimumLandlock()
        try source.finish()
    }

    /// How a worker is started.
    public var arguments: [String] {
        ["--socket", socket, "--minimum-landlock", "\(minimumLandlock)"] + ports.flatMap { ["--port", "\($0)"] }
    }
}
