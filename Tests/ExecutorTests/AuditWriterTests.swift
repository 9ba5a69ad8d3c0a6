import Audit
import Foundation
import Logging
import TestSupport
import Testing

@testable import Executor

@Suite struct AuditWriterTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func writer(segment: String?, uncovered: Int = 0) throws -> AuditWriter {
        let directory = try AuditDirectory(path: folder.path, number: nil)
        var state = AuditWriter.State(
            directory: directory, segment: try segment.map { try directory.make($0) } ?? AuditFile(path: "/dev/full", length: 0),
            first: 0, checkpoints: try directory.make("checkpoints"), older: 0, written: MerkleFrontier())
        state.uncovered = uncovered
        return AuditWriter(
            state, settings: try Samples.audit(folder.path), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func batch(after tree: MerkleFrontier = MerkleFrontier()) -> AuditBatch {
        AuditBatch([AuditEvent(.delivery, at: 0, [("job", "a")])], after: tree)
    }

    @Test func `what a full disk does not take is not signed, and the reason is told when too much waits`() throws {
        let writer = try writer(segment: nil, uncovered: AuditWriter.maximumUncovered)
        writer.add(batch())
        writer.close()
        #expect(writer.checkpoint == nil)
        let error = #expect(throws: AuditError.self) { try writer.admit() }
        #expect(error?.description.contains("/dev/full: No space left on device") == true)
    }

    @Test func `up to the limit of what no checkpoint covers more is taken, and not at it`() throws {
        let below = try writer(segment: "one", uncovered: AuditWriter.maximumUncovered - 1)
        #expect(throws: Never.self) { try below.admit() }
        try FileManager.default.removeItem(atPath: "\(folder.path)/checkpoints")
        let at = try writer(segment: "two", uncovered: AuditWriter.maximumUncovered)
        #expect(throws: AuditError.self) { try at.admit() }
        // A checkpoint makes room.
        at.add(batch())
        at.close()
        #expect(at.checkpoint?.size == 1)
        #expect(throws: Never.self) { try at.admit() }
    }

    @Test func `nothing is signed twice`() throws {
        let writer = try writer(segment: "one")
        writer.close()
        #expect(writer.checkpoint == nil)
        let first = batch()
        writer.add(first)
        writer.close()
        writer.close()
        writer.add(batch(after: first.tree))
        writer.close()
        let folder = AuditFolder(path: folder.path)
        #expect(try folder.notes().notes.map { try Checkpoint(text: $0.note.text).size } == [1, 2])
    }
}
