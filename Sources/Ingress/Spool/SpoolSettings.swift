internal import Settings

/// `spool` of the settings.
struct SpoolSettings: Sendable {
    /// Bytes of the segments: at least one segment, and what a small machine's disk spares.
    static let bytes = (standard: 64 * 1024 * 1024, range: 1024 * 1024...64 * 1024 * 1024 * 1024)
    /// Deliveries; each takes about half a kilobyte of memory.
    static let deliveries = (standard: 10_000, range: 1...100_000)
    /// A week is how long Hookdeck repeats a delivery; what is older nobody waits for.
    static let keepRange = Duration.seconds(60) ... .seconds(7 * 86_400)

    let directory: String
    let maximumBytes: Int
    let maximumDeliveries: Int
    /// How long a delivery may wait, in milliseconds.
    let keep: Int64

    init(directory: String, maximumBytes: Int, maximumDeliveries: Int, keep: Int64) {
        self.directory = directory
        self.maximumBytes = maximumBytes
        self.maximumDeliveries = maximumDeliveries
        self.keep = keep
    }

    /// nil when the settings name no spool.
    init?(_ node: SettingsNode) {
        guard node.isPresent else { return nil }
        let spool = node.mapping("directory", "maximum-bytes", "maximum-deliveries", "keep")
        directory = spool.required("directory").filePath() ?? ""
        maximumBytes = spool.optional("maximum-bytes").byteCount(in: Self.bytes.range) ?? Self.bytes.standard
        maximumDeliveries = spool.optional("maximum-deliveries").int(in: Self.deliveries.range) ?? Self.deliveries.standard
        keep = spool.optional("keep").duration(in: Self.keepRange).map { $0.components.seconds * 1000 } ?? 86_400_000
    }

    /// In words, for `check`.
    func words(hooks: [String]) -> String {
        let users = hooks.isEmpty ? "no hook (none says `when-executor-away: spool`)" : "hooks " + hooks.joined(separator: ", ")
        return
            "spool: while no executor is connected, deliveries of \(users) are kept in \(directory), at most \(maximumDeliveries) of together \(maximumBytes) bytes, each for \(keep / 1000) s"
    }
}
