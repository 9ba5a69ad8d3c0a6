import Foundation
import ProtocolMessages
import TestSupport
import Testing

@testable import Executor

/// What is of the SQLite journal alone: its file, its copies, its limits.
@Suite struct SQLiteJournalTests {
    private let folder: TemporaryFolder
    private let journal: SQLiteJournal

    init() throws {
        folder = try TemporaryFolder()
        journal = try Samples.journal("\(folder.path)/journal.db")
    }

    @discardableResult
    private func claimed(_ request: WireJobRequest, body: [UInt8]? = nil) async throws -> WireJobRequest {
        _ = try await journal.claim(request, body: body)
        return request
    }

    @Test func `a copy is the journal as it was, and never takes another file's place`() async throws {
        let request = try await claimed(Samples.event("e1"))
        let care = try SQLiteCare(path: "\(folder.path)/journal.db")
        try FileManager.default.createDirectory(atPath: "\(folder.path)/copy", withIntermediateDirectories: false)
        let path = "\(folder.path)/copy/journal.db"
        try care.backup(to: path)
        try await claimed(Samples.event("e2"))
        let copy = try Samples.journal(path)
        #expect(try await copy.list(JobFilter(), limit: 9).map(\.id) == [request.jobID])
        let second = #expect(throws: JournalCareError.self) { try care.backup(to: path) }
        #expect(
            second?.description.hasSuffix("backup to \(path): it is there already; name another file, or move that one away")
                == true)
        #expect(try await journal.list(JobFilter(), limit: 9).count == 2)
    }

    @Test func `a check counts what is there, and names what is broken`() async throws {
        let request = try await claimed(Samples.event("e1"), body: [UInt8](repeating: 7, count: 64 * 1024))
        try await claimed(Samples.event("e2"))
        try await journal.finish(request.jobID, Samples.result(request, .dead))
        let path = "\(folder.path)/journal.db"
        let lines = try SQLiteCare(path: path).check()
        #expect(lines.first?.contains("is whole") == true)
        #expect(lines.last == "2 jobs, of which 1 unfinished and 1 dead letters")
        let copy = "\(folder.path)/copy.db"
        try SQLiteCare(path: path).backup(to: copy)
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: copy)))
        for index in stride(from: 4096 * 3, to: bytes.count, by: 4096) { bytes[index] ^= 0xff }
        _ = try folder.write("broken.db", bytes)
        #expect(throws: JournalCareError.self) { try SQLiteCare(path: "\(folder.path)/broken.db").check() }
        #expect(throws: JournalCareError.self) { try SQLiteCare(path: "\(folder.path)/none.db") }
    }

    @Test func `a full journal refuses, says why, and goes on with what fits`() async throws {
        let small = try Samples.journal("\(folder.path)/small.db", maximumSize: 320 * 1024)
        let big = [UInt8](repeating: 7, count: 200 * 1024)
        let first = Samples.event("e1")
        #expect(try await small.claim(first, body: big) == "claimed")
        let error = await #expect(throws: JournalError.self) {
            _ = try await small.claim(Samples.event("e2"), body: big)
        }
        #expect(error?.cause == .full)
        try await small.finish(first.jobID, Samples.result(first, .succeeded))
        #expect(try await small.claim(Samples.event("e2"), body: big) == "claimed")
    }

    @Test func `a file that cannot be opened is an error that names it`() throws {
        let path = "\(folder.path)/journal.db.d"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let error = #expect(throws: JournalError.self) { try Samples.journal(path) }
        #expect(error?.description.hasPrefix("journal \(path): open: ") == true)
    }

    @Test func `a file that is no database is an error and stays as it is`() throws {
        let text = String(repeating: "not a database ", count: 100)
        let path = try folder.write("text", text)
        #expect(throws: JournalError.self) { try Samples.journal(path) }
        #expect(throws: JournalError.self) { try Samples.journal(path) }
    }
}

@Suite struct JournalLockTests {
    @Test func `a journal is one executor's, and a folder that is not there is named`() throws {
        let folder = try TemporaryFolder()
        #expect(try JournalLock.take("\(folder.path)/journal.db"))
        #expect(try !JournalLock.take("\(folder.path)/journal.db"))
        let missing = #expect(throws: JournalError.self) {
            _ = try JournalLock.take("\(folder.path)/none/journal.db")
        }
        #expect(missing?.description.contains("\(folder.path)/none/journal.db") == true)
    }
}
