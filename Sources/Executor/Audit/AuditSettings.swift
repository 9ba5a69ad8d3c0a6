internal import Audit
internal import Authentication
internal import Settings

/// Where the audit log is kept and how often it is signed.
struct AuditSettings: Sendable {
    /// The folder of the log.
    let path: String
    /// Names the log in its checkpoints, and the executor among those that share a journal.
    let origin: String
    /// Signs the checkpoints.
    let key: Ed25519PrivateKey
    /// Records after which a checkpoint is signed.
    var checkpointEvery = 256
    /// How long a record stays without one.
    var checkpointInterval = Duration.seconds(60)
    /// Bytes from which on a new file is begun. A start reads the newest one.
    var segmentSize = 64 * 1024 * 1024
    /// Bytes of all files from which on nothing new is accepted.
    var maximumSize = 4096 * 1024 * 1024

    /// Reads `audit`, of which everything may be left out.
    ///
    /// - Parameter folder: the journal's, in which it is when `path` does not say; nil when `path` must.
    static func read(
        _ node: SettingsNode, beside folder: String?, keyID: String, key: Ed25519PrivateKey?
    ) -> AuditSettings? {
        let audit = node.mapping(
            "path", "origin", "checkpoint-every", "checkpoint-interval", "segment-size", "maximum-size")
        let usual = folder.map { $0 == "." ? "audit" : $0 + "/audit" }
        let path = audit.optional("path").isPresent || usual == nil ? audit.required("path").filePath() : usual
        let origin = audit.optional("origin").isPresent ? audit.optional("origin").textOrVariable() : "sallyport/\(keyID)"
        if let origin, !NoteKey.isName(origin) {
            node.problem("`origin` must have letters, digits and ./_- alone, at most \(NoteKey.maximumName)")
        }
        let every = audit.optional("checkpoint-every").int(in: 1...16_384)
        let interval = audit.optional("checkpoint-interval").duration(in: .seconds(1) ... .seconds(3600))
        let segment = audit.optional("segment-size").byteCount(in: 1024...(1024 * 1024 * 1024))
        let maximum = audit.optional("maximum-size").byteCount(in: (1024 * 1024)...(1024 * 1024 * 1024 * 1024))
        guard let path, let origin, let key else { return nil }
        var settings = AuditSettings(path: path, origin: origin, key: key)
        settings.checkpointEvery = every ?? settings.checkpointEvery
        settings.checkpointInterval = interval ?? settings.checkpointInterval
        settings.segmentSize = segment ?? settings.segmentSize
        settings.maximumSize = maximum ?? settings.maximumSize
        return settings
    }
}
