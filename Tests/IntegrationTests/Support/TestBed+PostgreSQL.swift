import Foundation
import TestSupport

extension TestBed {
    /// The settings as `sallyport init` writes them have the journal in a file. With SALLYPORT_TEST_JOURNAL=postgresql, in a build that can,
    /// the executor of every bed has a database of its own in its place.
    func useJournal() throws {
        guard ProcessInfo.processInfo.environment["SALLYPORT_TEST_JOURNAL"] == "postgresql" else { return }
        let server = try PostgreSQLServer.shared.get()
        try useJournal(server, try server.makeDatabase())
    }

    /// Puts the journal into that database, and the audit log where it would be.
    ///
    /// - Parameter origin: names the executor, of those that have the database together.
    func useJournal(_ server: PostgreSQLServer, _ database: String, as origin: String = "sallyport/executor") throws {
        let url = box.appending(path: "executor.yaml")
        let text = try String(contentsOf: url, encoding: .utf8)
        let state = box.appending(path: "state").path
        let own = "journal: { sqlite: \(state)/journal.db, keep: 30d }"
        guard text.contains(own) else { throw TestBedError("the settings have another journal than expected") }
        let shared =
            "journal: { postgresql: { socket: \(server.folder.path), database: \(database), user: \(PostgreSQLServer.user) } }\n"
            + "audit: { path: \(state)/audit, origin: \(origin) }"
        try text.replacing(own, with: shared).write(to: url, atomically: true, encoding: .utf8)
    }
}
