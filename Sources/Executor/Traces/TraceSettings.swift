internal import Settings

/// Where spans are written.
struct TraceSettings: Sendable {
    let file: String
    /// Bytes from which on the file is begun anew.
    let maximumSize: Int

    /// Reads `traces`; nil when it is not there.
    ///
    /// - Parameters:
    ///   - journal: the journal's file, which is another; nil when it has none.
    ///   - audit: the audit log's folder, in which nothing else may be.
    init?(_ node: SettingsNode, journal: String?, audit: String?) {
        guard node.isPresent else { return nil }
        let traces = node.mapping("file", "maximum-size")
        let file = traces.required("file").filePath()
        let size = traces.optional("maximum-size").byteCount(in: (1024 * 1024)...(1024 * 1024 * 1024 * 1024))
        if let file, file == journal || audit.map({ file.hasPrefix($0 + "/") }) == true {
            traces.required("file").problem("is the journal's or the audit log's place; choose another")
        }
        guard let file else { return nil }
        self.file = file
        maximumSize = size ?? 64 * 1024 * 1024
    }
}
