internal import Settings

/// Reads who may ask what over the admin socket.
enum AdminSettings {
    /// Keys of `admin`.
    static let keys = ["socket", "mode", "operators", "readers"]

    static func access(_ admin: SettingsMapping) -> AdminAccess {
        let operators = admin.optional("operators")
        return AdminAccess(
            operators: operators.isPresent ? peers(operators) : .init(uids: [ownUID()]), readers: peers(admin.optional("readers"))
        )
    }

    /// A list of uids, or `{uids: […], gids: […]}`.
    private static func peers(_ node: SettingsNode) -> AdminAccess.Peers {
        guard node.isMapping else { return .init(uids: node.uids() ?? []) }
        let parts = node.mapping("uids", "gids")
        let peers = AdminAccess.Peers(uids: parts.optional("uids").uids() ?? [], gids: parts.optional("gids").uids() ?? [])
        if peers == .init() { node.problem("at least one uid or gid is needed") }
        return peers
    }
}
