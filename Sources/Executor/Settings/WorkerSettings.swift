internal import Settings

/// Reads `workers`: how many SSH workers there are, and whom each serves.
struct WorkerSettings: Sendable, Equatable {
    /// Workers to run when nothing is said, and at most; where each host has one of its own, at most.
    static let count = (standard: 2, maximum: 16, maximumPerHost: 64)
    private static let keys = ["count", "per-host", "socket"]

    /// Path of the executor's private socket.
    let socket: String
    /// Workers to run.
    let count: Int
    /// A worker serves one host alone, with those that are reached through it.
    let isPerHost: Bool

    /// - Parameters:
    ///   - adminSocket: the socket is beside it when nothing is said.
    ///   - places: hosts that are connected to without a jump host, by address and port.
    init(_ node: SettingsNode, adminSocket: String, places: Set<String>) {
        let workers = node.mapping(Self.keys)
        let folder = adminSocket.lastIndex(of: "/").map { String(adminSocket[...$0]) } ?? ""
        socket = workers.optional("socket").socketPath() ?? folder + "workers.sock"
        isPerHost = workers.optional("per-host").bool() ?? false
        let given = workers.optional("count").int(in: 1...(isPerHost ? Self.count.maximumPerHost : Self.count.maximum))
        count = given ?? (isPerHost ? max(1, min(places.count, Self.count.maximumPerHost)) : Self.count.standard)
        if let problem = problem(with: places) { node.problem(problem) }
    }

    /// Why these hosts cannot be served; nil when they can.
    func problem(with places: Set<String>) -> String? {
        guard isPerHost, places.count > count else { return nil }
        return
            "per-host needs a worker for each of the \(places.count) hosts that are connected to without a jump host, and `count` is "
            + "\(count), at most \(Self.count.maximumPerHost)"
    }
}
