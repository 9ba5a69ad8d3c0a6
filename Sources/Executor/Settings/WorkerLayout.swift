public import Settings

/// What the supervisor tells its SSH workers: all that it reads of the settings.
public struct WorkerLayout: Sendable {
    /// Workers to run: when nothing is said, and at most.
    static let count = (standard: 2, maximum: 16)

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
        let workers = root.optional("workers")
        socket = Self.socket(workers, adminSocket: admin.required("socket").socketPath() ?? "")
        count = Self.count(workers)
        ports = Set(root.required("hosts").entries().compactMap { HostSettings.dialledPort($0.value) }).sorted()
        minimumLandlock = root.optional("sandbox").minimumLandlock()
        try source.finish()
    }

    static func count(_ workers: SettingsNode) -> Int {
        workers.mapping("count", "socket").optional("count").int(in: 1...count.maximum) ?? count.standard
    }

    /// Beside the admin socket when nothing is said.
    static func socket(_ workers: SettingsNode, adminSocket: String) -> String {
        let folder = adminSocket.lastIndex(of: "/").map { String(adminSocket[...$0]) } ?? ""
        return workers.mapping("count", "socket").optional("socket").socketPath() ?? folder + "workers.sock"
    }

    /// How a worker is started.
    public var arguments: [String] {
        ["--socket", socket, "--minimum-landlock", "\(minimumLandlock)"] + ports.flatMap { ["--port", "\($0)"] }
    }
}
