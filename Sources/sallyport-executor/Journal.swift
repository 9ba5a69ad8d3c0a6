import ArgumentParser
import Executor
import Sandbox

/// `sallyport-executor journal`
struct Journal: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the journal or copy it, whether the executor serves or not.",
        discussion: """
            Examples:
              sallyport-executor journal check --config /etc/sallyport/executor.yaml
              sallyport-executor journal backup --config /etc/sallyport/executor.yaml copy.db
            """,
        subcommands: [JournalCheck.self, JournalBackup.self])
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

extension Journal {
    /// Opens the journal of the settings for `body`; what goes wrong is said in one line and ends with exit code 1.
    static func caring(_ settings: SettingsOption, _ body: (JournalCare) throws -> Void) throws {
        do {
            try body(try settings.reading { try JournalCare(configuration: $0) })
        } catch let error as JournalCareError {
            StandardError.line("\(error)")
            throw ExitCode(1)
        }
    }
}
