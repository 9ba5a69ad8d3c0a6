import Authentication
import Glibc
import TestSupport

@testable import Audit

/// A log on disk as the executor writes it, in two files and with three checkpoints.
struct SampleLog {
    static let origin = "sallyport/executor"

    let key: Ed25519PrivateKey
    var trust: CheckpointTrust { CheckpointTrust(keys: [key.publicKey]) }
    /// Names and contents.
    private(set) var files: [(name: String, bytes: [UInt8])] = []
    private(set) var checkpoints: [SignedNote] = []

    init(records: Int = 7, secondFile: Int = 4) throws {
        key = try Ed25519PrivateKey.generate()
        var tree = MerkleFrontier()
        var notes: [UInt8] = []
        for index in 0..<records {
            if index == 0 || index == secondFile {
                if index > 0 { try sign(tree, &notes) }
                let segment = AuditSegment(origin: Self.origin, before: tree)
                files.append((segment.name, segment.head + [0x0a]))
            }
            let record = Self.record(index)
            tree.append(.leaf(record.bytes))
            files[files.count - 1].bytes += record.bytes + [0x0a]
            if index == 1 { try sign(tree, &notes) }
        }
        try sign(tree, &notes)
        files.append((AuditFolder.checkpoints, notes))
    }

    private mutating func sign(_ tree: MerkleFrontier, _ notes: inout [UInt8]) throws {
        let note = try Checkpoint(origin: Self.origin, size: tree.size, root: tree.root).signed(with: key)
        checkpoints.append(note)
        notes += note.bytes
    }

    static func record(_ index: Int) -> AuditRecord {
        let event = AuditEvent(
            .delivery, at: 1_750_000_000_000 + Int64(index),
            [("job", "job \(index % 3)"), ("attempt", 1), ("event", "é\u{2028}\"\n")])
        return AuditRecord(index: UInt64(index), event: event)
    }

    /// Writes the files as `change` leaves them and verifies what stands there.
    @discardableResult
    func verify(
        more: [Checkpoint] = [], _ change: (inout [(name: String, bytes: [UInt8])]) -> Void = { _ in }
    ) throws -> AuditVerifier.Outcome {
        let folder = try TemporaryFolder()
        var files = files
        change(&files)
        for file in files { _ = try folder.write(file.name, file.bytes) }
        let log = AuditLog(path: folder.path, trust: trust, patience: 0)
        return try log.verify(log.checkpoints().map(\.checkpoint) + more)
    }
}
