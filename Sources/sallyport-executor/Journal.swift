import ArgumentParser
import Executor
import Glibc
import Sandbox
import Telemetry

/// `sallyport-executor journal`
struct Journal: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the journal, back it up, or move it into a database that executors share.",
        discussion: """
            Examples:
              sallyport-executor journal check --config /etc/sallyport/executor.yaml
              sallyport-executor journal backup --config /etc/sallyport/executor.yaml copy.db
              sallyport-executor journal copy --config /etc/sallyport/executor.yaml journal.db
            """,
        subcommands: [JournalCheck.self, JournalBackup.self, JournalCopying.self])
}

/// `sallyport-executor journal check`
struct JournalCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read all of the journal and say whether it is whole.",
        discussion: """
            Exit codes: 0 it is whole, 1 it is not or cannot be read, 78 the settings are wrong.

            Examples:
              sallyport-executor journal check --config /etc/sallyport/executor.yaml
            """)

    @OptionGroup var settings: SettingsOption

    func run() throws {
        try Journal.caring(settings) { try $0.check().forEach { print($0) } }
    }
}

/// `sallyport-executor journal backup`
struct JournalBackup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Write a complete copy of the journal as it is now.",
        discussion: """
            To go back to a copy, stop the executor, remove the journal and what is called like it with -wal and -shm behind it, and put \
            the copy in its place.

            Examples:
              sallyport-executor journal backup --config /etc/sallyport/executor.yaml \\
                  /var/backups/sallyport/journal.db
            """
    )

    @OptionGroup var settings: SettingsOption

    @Argument(help: "Where the copy goes. Must not exist.")
    var file: String

    func run() throws {
        try Journal.caring(settings) { try $0.backup(to: file) }
    }
}

/// `sallyport-executor journal copy`
struct JournalCopying: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy", abstract: "Copy the journal of a stopped executor from its file into PostgreSQL.",
        discussion: """
            The settings are those that the executor is to start with: journal.postgresql, and the audit log that it has. What was \
            broken off is done again: it copies what is missing, and until it has ended no executor of that name starts there. Exit \
            codes: 0 all of it is there, 1 it is not, 78 the settings are wrong.

            Examples:
              sallyport-executor journal copy --config /etc/sallyport/executor.yaml \\
                  /var/lib/sallyport/journal.db
            """)

    @OptionGroup var settings: SettingsOption

    @Argument(help: "The journal's file so far.")
    var file: String

    func run() throws {
        let interval = Terminal.isOne(STDERR_FILENO) ? Duration.milliseconds(500) : .seconds(10)
        var told = ContinuousClock.now
        try Journal.failing {
            let lines = try settings.reading {
                try JournalCopy(of: file, configuration: $0).run { done, all in
                    guard .now - told >= interval else { return }
                    told = .now
                    StandardError.line("\(done) of \(all) jobs")
                }
            }
            lines.forEach { print($0) }
        }
    }
}

extension Journal {
    /// Opens the journal of the settings for `body`; what goes wrong is said in one line and ends with exit code 1.
    static func caring(_ settings: SettingsOption, _ body: (JournalCare) throws -> Void) throws {
        try failing { try body(try settings.reading { try JournalCare(configuration: $0) }) }
    }

    /// What goes wrong in `body` is said in one line and ends with exit code 1.
    static func failing(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as JournalCareError {
            StandardError.line("\(error)")
            throw ExitCode(1)
        }
    }
}
