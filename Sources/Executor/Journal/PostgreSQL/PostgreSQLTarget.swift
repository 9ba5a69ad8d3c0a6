#if PostgreSQL
    internal import Authentication
    internal import Settings

    /// Which database of which server the journal is in.
    struct PostgreSQLTarget: Sendable {
        /// The folder of the server's Unix socket. There is no other way: the executor has no network.
        let folder: String
        /// Part of the socket's name.
        var port = 5432
        let database: String
        let user: String
        /// Where the server asks for one.
        var password: SecretBytes?

        /// Names it to a person.
        var place: String { "\(database) at \(folder)/.s.PGSQL.\(port)" }
    }

    extension PostgreSQLTarget {
        /// Reads `journal.postgresql`.
        init(_ node: SettingsNode) {
            let keys = node.mapping("socket", "port", "database", "user", "password")
            folder = keys.required("socket").filePath() ?? ""
            port = keys.optional("port").int(in: 1...65_535) ?? 5432
            database = keys.required("database").string(maximumLength: 63) ?? ""
            user = keys.required("user").string(maximumLength: 63) ?? ""
            password = keys.optional("password").secret()
            let socket = "\(folder)/.s.PGSQL.\(port)"
            if socket.utf8.count > SettingsNode.maximumSocketPath {
                keys.required("socket").problem(
                    "the socket \(socket) has \(socket.utf8.count) bytes, the system's limit is \(SettingsNode.maximumSocketPath)"
                )
            }
        }
    }
#endif
