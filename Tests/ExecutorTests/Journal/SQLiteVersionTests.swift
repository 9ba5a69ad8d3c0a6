import GRDB
import TestSupport
import Testing

@testable import Executor

/// A journal goes on with newer versions, and never back.
@Suite struct JournalVersionTests {
    @Test func `a journal that a newer version has changed is not opened, and stays as it is`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/journal.db"
        _ = try Samples.journal(path)
        let database = try DatabaseQueue(path: path)
        try database.write { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('9999: of a newer version')") }
        let error = #expect(throws: JournalError.self) { try Samples.journal(path) }
        #expect("\(try #require(error))".contains("a newer version has changed it"))
        try database.write { try $0.execute(sql: "DELETE FROM grdb_migrations WHERE identifier LIKE '9999%'") }
        _ = try Samples.journal(path)
    }
}
