import Settings

@testable import Parsers

extension FuzzTarget {
    /// What is read from the disk.
    static let files = [
        FuzzTarget(name: "settings") { bytes in
            guard let file = try? SettingsFile(text: text(bytes), file: "input") else { return }
            let root = file.root.mapping("a", "b")
            _ = root.optional("a").elements().map { $0.entries().count }
            _ = root.optional("b").duration(in: .seconds(1) ... .seconds(60))
            do { try file.finish() } catch { _ = "\(error)" }
        },
        FuzzTarget(name: "pattern") { bytes in
            let (pattern, value) = halves(bytes)
            _ = (try? AnchoredPattern(text(pattern)))?.matches(text(value))
        },
        FuzzTarget(name: "known-hosts") { bytes in
            let known = KnownHosts(text: text(bytes)) { _, _ in }
            _ = known.lookup(address: "web-1.example.org", port: 22)
            _ = known.lookup(address: "10.0.0.11", port: 2222)
        },
        FuzzTarget(name: "spool") { bytes in
            guard case .record(let record, _, let length) = SpoolRecord.find(in: bytes, at: 0) else { return }
            guard length <= bytes.count, record.encoded().count == length else { fatalError("a record of another length") }
        },
    ]
}
