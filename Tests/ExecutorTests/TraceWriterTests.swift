import Foundation
import JSON
import Telemetry
import Testing

@testable import Executor

@Suite struct TraceWriterTests {
    private let path = "/tmp/sallyport-traces-\(UUID().uuidString.prefix(8))"

    private func span(_ name: String = "span") -> Span {
        Span(name, .client, .child(of: nil), in: nil, isParentRemote: false, from: 0, to: 1, failure: nil, [])
    }

    /// Spans of each line.
    private func lines() throws -> [Int] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
            let resource = try JSONValue.parse(Array(line.utf8))["resourceSpans"]?.array?.first
            return resource?["scopeSpans"]?.array?.first?["spans"]?.array?.count ?? 0
        }
    }

    @Test func `spans go to the file in batches, and what is beyond the queue is dropped and counted`() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let metrics = try ExecutorMetrics()
        let writer = TraceWriter(
            try TraceFile(path: path, maximumSize: 64 * 1024 * 1024), metrics: metrics, leisure: .seconds(600))
        for _ in 0..<TraceWriter.maximumWaiting { writer.add(span()) }
        #expect(metrics.spans.with("dropped").value == 0)
        for _ in 0..<3 { writer.add(span()) }
        await writer.flush()
        #expect(metrics.spans.with("dropped").value == 3)
        #expect(metrics.spans.with("written").value == TraceWriter.maximumWaiting)
        #expect(try lines() == Array(repeating: TraceWriter.maximumBatch, count: 32))
        writer.add(span())
        await writer.flush()
        #expect(try lines().count == 33)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode.map { $0 & 0o137 } == 0)
    }

    @Test func `a full file is emptied in place and begun anew, on a whole line`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try TraceFile(path: path, maximumSize: 30)
        let line = Array("0123456789abcd\n".utf8)
        #expect(file.append(line) == .written)
        // Exactly as much as may be.
        #expect(file.append(line) == .written)
        #expect(file.append([0x0a]) == .writtenAnew)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data([0x0a]))
        // Somebody else empties it: it goes on at its begin.
        truncate(path, 0)
        #expect(file.append(line) == .written)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(line))
        // A later start goes on at its end.
        #expect(try TraceFile(path: path, maximumSize: 30).append(line) == .written)
        #expect(try Data(contentsOf: URL(filePath: path)).count == 30)
    }

    @Test func `what is no file of its own is refused by name`() throws {
        let error = #expect(throws: TraceFileError.self) { try TraceFile(path: "/no/such/folder/t", maximumSize: 1) }
        #expect(error?.description == "traces: cannot open /no/such/folder/t: No such file or directory")
        #expect(throws: TraceFileError.self) { try TraceFile(path: "/dev/null", maximumSize: 1) }
        symlink("/tmp/elsewhere", path)
        defer { unlink(path) }
        #expect(throws: TraceFileError.self) { try TraceFile(path: path, maximumSize: 1) }
    }

    @Test func `a disk that takes nothing costs spans and nothing else`() async throws {
        // Every write to it fails with ENOSPC, as on a full disk.
        let metrics = try ExecutorMetrics()
        let writer = TraceWriter(TraceFile(descriptor: open("/dev/full", O_WRONLY), maximumSize: 1024), metrics: metrics)
        writer.add(span())
        await writer.flush()
        #expect(metrics.spans.with("lost").value == 1)
        #expect(metrics.spans.with("written").value == 0)
    }
}
