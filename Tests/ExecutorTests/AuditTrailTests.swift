import Audit
import Authentication
import Foundation
import Glibc
import ProtocolMessages
import TestSupport
import Testing

@testable import Executor

/// What the journal records stands in the audit log, whatever happens in between; what was changed there ends the start.
@Suite struct AuditTrailTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var journalPath: String { "\(folder.path)/journal.db" }
    private var auditPath: String { "\(folder.path)/audit" }
    private var segment: String { "\(auditPath)/\(AuditSegment.name(first: 0))" }
    private var checkpoints: String { "\(auditPath)/\(AuditFolder.checkpoints)" }

    private func event(_ name: String) -> AuditEvent { AuditEvent(.delivery, at: Samples.now, [("job", .text(name))]) }

    private func journal(_ change: (inout AuditSettings) -> Void = { _ in }) throws -> SQLiteJournal {
        try Samples.journal(journalPath, change)
    }

    /// The jobs of the records in the log, after it was verified.
    private func recorded(in path: String? = nil) throws -> [String] {
        let log = AuditLog(
            path: path ?? auditPath, trust: CheckpointTrust(keys: [try Samples.executorKey.get().publicKey]))
        var jobs: [String] = []
        try log.verify(log.checkpoints().map(\.checkpoint), .init(record: { record, _ in jobs.append(record.event.job ?? "") }))
        return jobs
    }

    /// A log of three records that was closed.
    private func fill() async throws {
        let journal = try journal()
        try await journal.record([event("a"), event("b")])
        try await journal.record([event("c")])
        journal.close()
    }

    private func change(_ file: String, _ body: (inout [UInt8]) -> Void) throws {
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
        body(&bytes)
        try Data(bytes).write(to: URL(filePath: file))
    }

    /// What opening the journal says.
    private func refusal() -> String {
        let error = #expect(throws: JournalError.self) { try journal() }
        return error?.description ?? ""
    }

    @Test func `after a crash the file has what the journal promised, wherever the file ended`() async throws {
        let journal = try journal()
        try await journal.record([event("a"), event("b")])
        try await journal.record([event("c")])
        journal.close()
        try await journal.record([event("d"), event("e")])
        // As it stands when everything stops here: nothing of the last two is in the file.
        let stopped = "\(folder.path)/stopped"
        try FileManager.default.createDirectory(atPath: stopped, withIntermediateDirectories: false)
        for file in ["journal.db", "journal.db-wal", "audit"] {
            try FileManager.default.copyItem(atPath: "\(folder.path)/\(file)", toPath: "\(stopped)/\(file)")
        }
        let lines =
            AuditRecord(index: 3, event: event("d")).bytes + [0x0a] + AuditRecord(index: 4, event: event("e")).bytes + [0x0a]
        for cut in stride(from: 0, through: lines.count, by: 9) {
            let copy = "\(folder.path)/copy\(cut)"
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
            for file in ["journal.db", "journal.db-wal", "audit"] {
                try FileManager.default.copyItem(atPath: "\(stopped)/\(file)", toPath: "\(copy)/\(file)")
            }
            try change("\(copy)/audit/\(AuditSegment.name(first: 0))") { bytes in
                let end = bytes.split(separator: 0x0a).prefix(4).reduce(0) { $0 + $1.count + 1 }
                bytes = Array(bytes.prefix(end)) + lines.prefix(cut)
            }
            let again = try Samples.journal("\(copy)/journal.db")
            #expect(try recorded(in: "\(copy)/audit") == ["a", "b", "c", "d", "e"], "cut at \(cut)")
            try await again.record([event("f")])
            again.close()
            #expect(try recorded(in: "\(copy)/audit").last == "f")
        }
    }

    @Test func `a checkpoint is signed after so many records, and not before`() async throws {
        let journal = try journal { ($0.checkpointEvery, $0.checkpointInterval) = (4, .seconds(3600)) }
        try await journal.record([event("a"), event("b"), event("c")])
        try await Task.sleep(for: .milliseconds(300))
        #expect(try AuditFolder(path: auditPath).notes().notes.isEmpty)
        try await journal.record([event("d")])
        #expect(eventually { (try? AuditFolder(path: auditPath).notes().notes.count) == 1 })
        #expect(try recorded().count == 4)
    }

    @Test func `a checkpoint is signed after so long`() async throws {
        let journal = try journal { $0.checkpointInterval = .milliseconds(200) }
        try await journal.record([event("a")])
        #expect(eventually { (try? recorded()) == ["a"] })
        try await journal.record([event("b")])
        #expect(eventually { (try? recorded()) == ["a", "b"] })
    }

    @Test func `the journal lets go of what a checkpoint covers`() async throws {
        let journal = try journal { $0.checkpointEvery = 1 }
        for number in 0..<5 {
            try await journal.record([event("\(number)")])
            #expect(eventually { (try? AuditFolder(path: auditPath).notes().notes.count) == number + 1 })
        }
        journal.close()
        let kept = try Command.run("/usr/bin/sqlite3", [journalPath, "SELECT count(*) FROM audit"])
        guard kept.code == 0 else { return }
        #expect(kept.output == "1\n")
    }

    @Test func `a new file is begun when one is full, and each stands on its own`() async throws {
        for name in ["a", "b"] {
            let journal = try journal { $0.segmentSize = 100 }
            try await journal.record([event(name)])
            #expect(eventually { (try? recorded())?.last == name })
            try await journal.record([event(name.uppercased())])
            journal.close()
        }
        let names = try AuditFolder(path: auditPath).segments()
        #expect(names == (0...4).map { AuditSegment.name(first: $0) })
        #expect(try recorded() == ["a", "A", "b", "B"])
        try FileManager.default.removeItem(atPath: "\(auditPath)/\(names[0])")
        #expect(try recorded() == ["A", "b", "B"])
    }

    @Test func `a crash while a new file is begun loses nothing`() async throws {
        let first = try journal { $0.segmentSize = 100 }
        try await first.record([event("a"), event("b")])
        #expect(eventually { (try? AuditFolder(path: auditPath).segments().count) == 2 })
        // The disk as a power failure leaves it: the log without what the journal has since, and the new file without its head.
        try FileManager.default.copyItem(atPath: auditPath, toPath: "\(folder.path)/log")
        try await first.record([event("c")])
        for ending in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: journalPath + ending, toPath: "\(folder.path)/copy\(ending)")
        }
        first.close()
        for path in [auditPath, journalPath] { try FileManager.default.removeItem(atPath: path) }
        for ending in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: journalPath + ending) }
        try FileManager.default.moveItem(atPath: "\(folder.path)/log", toPath: auditPath)
        for ending in ["", "-wal"] {
            try FileManager.default.moveItem(atPath: "\(folder.path)/copy\(ending)", toPath: journalPath + ending)
        }
        try Data().write(to: URL(filePath: "\(auditPath)/\(AuditSegment.name(first: 2))"))
        let second = try journal()
        try await second.record([event("d")])
        second.close()
        #expect(try recorded() == ["a", "b", "c", "d"])
    }

    @Test func `while the next file cannot be made the full one is written on, and that is told`() async throws {
        let journal = try journal { ($0.segmentSize, $0.checkpointEvery) = (1024, 1) }
        try await journal.record([event("a")])
        #expect(eventually { (try? recorded()) == ["a"] })
        // In the way of the file that would be next.
        let inTheWay = "\(auditPath)/\(AuditSegment.name(first: 3))"
        try FileManager.default.createDirectory(atPath: inTheWay, withIntermediateDirectories: false)
        try await journal.record([event(String(repeating: "b", count: 900)), event("c")])
        #expect(eventually { journal.audit.status.error.contains("\(inTheWay): File exists") })
        try await journal.record([event("d")])
        #expect(eventually { journal.audit.status.signed == 4 })
        try FileManager.default.removeItem(atPath: inTheWay)
        #expect(eventually { journal.audit.status.error.isEmpty })
        try await journal.record([event("e")])
        journal.close()
        #expect(try recorded().count == 5)
        #expect(try AuditFolder(path: auditPath).segments().count == 2)
    }

    @Test func `a log at its limit lets nothing new begin, and what has begun still ends`() async throws {
        let journal = try journal { $0.maximumSize = 400 }
        let request = Samples.request()
        var claim = try Samples.claim(request)
        claim.events = [event("first"), event(String(repeating: "x", count: 300))]
        _ = try await journal.claim(claim)
        let error = await #expect(throws: JournalError.self) { _ = try await journal.claim(Samples.claim(Samples.request())) }
        #expect(error?.description.contains("maximum-size of 400 bytes") == true)
        try await journal.finish(request.jobID, Samples.result(request, .succeeded), [event("end")])
        journal.close()
        #expect(try recorded().suffix(2) == ["end", request.jobID])
    }

    // MARK: - Changed files

    @Test func `a byte that was changed anywhere in the newest file ends the start, and the line names the file`() async throws {
        try await fill()
        let original = [UInt8](try Data(contentsOf: URL(filePath: segment)))
        for place in stride(from: 0, to: original.count, by: 5) {
            try change(segment) { $0[place] ^= 1 }
            let refusal = refusal()
            #expect(refusal.contains(segment), "byte \(place): \(refusal)")
            try Data(original).write(to: URL(filePath: segment))
        }
        try change(segment) { $0.removeLast() }
        #expect(refusal().contains("\(segment): ends after 2 records, and 3 were written"))
        try Data(original).write(to: URL(filePath: segment))
        let journal = try journal()
        try await journal.record([event("d")])
        journal.close()
        #expect(try recorded().count == 4)
    }

    @Test func `a record that was written anew in place of another ends the start`() async throws {
        try await fill()
        try change(segment) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            bytes = Array(text.replacing(#""job":"b""#, with: #""job":"x""#).utf8)
        }
        let refusal = refusal()
        #expect(refusal.contains("the first 3 records") || refusal.contains("first 3 records are not those of the checkpoint"))
        #expect(refusal.contains("sallyport audit verify"))
    }

    @Test func `checkpoints that were changed, cut or taken away end the start`() async throws {
        try await fill()
        // The journal learns of a checkpoint with what it writes next.
        let journal = try journal()
        try await journal.record([event("d")])
        journal.close()
        let original = [UInt8](try Data(contentsOf: URL(filePath: checkpoints)))
        let (notes, _) = try AuditFolder(path: auditPath).notes()
        let text = notes[0].note.text.utf8.count
        let signature = text + 1 + "— sallyport/executor ".utf8.count
        // The signature's first six characters say whose key it is, and that may be an older one of the executor's: audit verify, which
        // is told all keys, finds it. The last byte of all may be missing after a crash.
        for place in stride(from: 0, to: notes[0].end, by: 5) where !(signature..<signature + 6).contains(place) {
            try change(checkpoints) { $0[place] ^= 1 }
            #expect(refusal().contains(checkpoints), "byte \(place)")
            try Data(original).write(to: URL(filePath: checkpoints))
        }
        try change(checkpoints) { $0 = [] }
        #expect(refusal().contains("the checkpoint of 3 records is gone"))
        try FileManager.default.removeItem(atPath: checkpoints)
        #expect(refusal().contains("the checkpoint of 3 records is gone"))
    }

    @Test func `records without their journal, and a journal without its records, end the start`() async throws {
        try await fill()
        try FileManager.default.moveItem(atPath: segment, toPath: "\(folder.path)/away")
        #expect(refusal().contains("no file with records, and the journal knows 3 of them"))
        try FileManager.default.moveItem(atPath: "\(folder.path)/away", toPath: segment)
        for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            try? FileManager.default.removeItem(atPath: "\(folder.path)/\(file)")
        }
        #expect(refusal().contains("the journal knows nothing of the records there"))
    }

    @Test func `an older copy of the journal ends the start`() async throws {
        try await fill()
        try FileManager.default.copyItem(atPath: journalPath, toPath: "\(folder.path)/old")
        try? FileManager.default.copyItem(atPath: "\(journalPath)-wal", toPath: "\(folder.path)/old-wal")
        do {
            let journal = try journal()
            try await journal.record([event("d")])
            journal.close()
        }
        for ending in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: journalPath + ending) }
        try FileManager.default.moveItem(atPath: "\(folder.path)/old", toPath: journalPath)
        try? FileManager.default.moveItem(atPath: "\(folder.path)/old-wal", toPath: "\(journalPath)-wal")
        #expect(refusal().contains("the journal is an older copy"))
    }

    @Test func `a folder that others may write to is refused`() throws {
        let open = "\(folder.path)/open"
        _ = try AuditDirectory(path: open, number: nil)
        chmod(open, 0o770)
        #expect(throws: AuditError.self) { try AuditDirectory(path: open, number: nil) }
        chmod(open, 0o750)
        #expect(throws: Never.self) { try AuditDirectory(path: open, number: nil) }
    }
}
