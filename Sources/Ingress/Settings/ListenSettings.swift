internal import Settings

/// Where a listener takes connections.
enum ListenPlace: Sendable, Equatable, CustomStringConvertible {
    case tcp(host: String, port: Int)
    case unix(path: String, mode: UInt32)
    /// A socket that the service manager made and hands over, by its name (sd_listen_fds(3), FileDescriptorName=).
    case systemd(name: String)

    /// As in the settings and in messages.
    var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path, _): "unix:\(path)"
        case .systemd(let name): "systemd:\(name)"
        }
    }

    /// The keys of the mapping it is read from.
    static let keys = ["address", "port", "unix", "mode", "systemd"]

    /// One of `{address, port}`, `{unix, mode}`, `{systemd}`.
    static func read(_ node: SettingsNode, _ keys: SettingsMapping) -> ListenPlace? {
        guard node.isPresent, node.isMapping else { return nil }
        let unix = keys.optional("unix")
        let systemd = keys.optional("systemd")
        let isTCP = keys.optional("address").isPresent || keys.optional("port").isPresent
        guard [isTCP, unix.isPresent, systemd.isPresent].count(where: { $0 }) <= 1 else {
            return node.refused("write one of {address: …, port: …}, {unix: path} or {systemd: name}")
        }
        if keys.optional("mode").isPresent, !unix.isPresent { node.problem("`mode` is for a Unix socket") }
        if unix.isPresent {
            let mode = keys.optional("mode").fileMode()
            return unix.socketPath().map { .unix(path: $0, mode: mode ?? 0o660) }
        }
        if systemd.isPresent { return systemd.name().map { .systemd(name: $0) } }
        guard let host = keys.required("address").string(maximumLength: 255), let port = keys.required("port").int(in: 0...65_535)
        else { return nil }
        return .tcp(host: host, port: port)
    }
}

/// A listener for senders.
struct ListenSettings: Sendable {
    let place: ListenPlace
    /// Nil for HTTP in the clear, behind a proxy that speaks TLS.
    let tls: TLSSettings?

    init?(_ node: SettingsNode) {
        guard node.isPresent else { return nil }
        let keys = node.mapping(ListenPlace.keys + ["tls"])
        tls = TLSSettings(keys.optional("tls"))
        guard let place = ListenPlace.read(node, keys) else { return nil }
        self.place = place
    }
}
