import ArgumentParser
import ProtocolMessages
import SwiftProtobuf

/// Jobs whose attempts are used up, until somebody decides about them.
struct DeadLetters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "Jobs whose attempts are used up: list, show, replay or discard them.",
        discussion: """
            Examples:
              sallyport dead-letters list
              sallyport dead-letters replay --job deploy
            """,
        subcommands: [DeadLettersList.self, DeadLettersShow.self, DeadLettersReplay.self, DeadLettersDiscard.self])
}

/// Which dead letters: some by their ids, those a filter finds, or all.
struct DeadLetterChoice: ParsableArguments {
    @OptionGroup var filter: JobFilterOptions

    @Flag(help: "All dead letters, as many as --limit says.")
    var all = false

    @Argument(help: "Job ids.")
    var ids: [String] = []

    /// Nil when they are named.
    ///
    /// - Throws: ``CommandFailure`` when nothing or too much is said.
    func list() throws -> WireListJobs? {
        guard [!ids.isEmpty, filter.isNarrow, all].count(where: { $0 }) == 1 else {
            throw CommandFailure(
                "name dead letters, or say which by --job, --hook, --host, --since, or write --all", code: .usage)
        }
        guard ids.isEmpty else { return nil }
        var list = try filter.filter()
        list.deadLetters = true
        return list
    }
}

/// `sallyport dead-letters list`
struct DeadLettersList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the newest dead letters.",
        discussion: """
            Examples:
              sallyport dead-letters list --job deploy --since 2h
            """)

    @OptionGroup var admin: AdminOptions
    @OptionGroup var choice: JobFilterOptions

    func run() throws {
        try reporting {
            var list = try choice.filter()
            list.deadLetters = true
            try JobsList.show(list, admin)
        }
    }
}

/// `sallyport dead-letters show`
struct DeadLettersShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one with its output and history, by job id or event id.",
        discussion: """
            Examples:
              sallyport dead-letters show evt_7f3a
            """)

    @OptionGroup var show: JobsShow

    func run() throws { try show.run() }
}

/// `sallyport dead-letters replay`
struct DeadLettersReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Run them again, as new jobs under the policy of now.",
        discussion: """
            Exit codes: 0 when all were taken, 1 when not.

            Examples:
              sallyport dead-letters replay --all --dry-run
              sallyport dead-letters replay --host web-1 --since 1d
            """)

    @OptionGroup var admin: AdminOptions
    @OptionGroup var choice: DeadLetterChoice

    @Flag(help: "Say what would be replayed, and whether the policy allows it; begin nothing.")
    var dryRun = false

    func run() throws {
        try reporting {
            var replay = WireReplayJobs()
            replay.ids = choice.ids
            if let list = try choice.list() { replay.filter = list }
            replay.dryRun = dryRun
            replay.operator = OperatorName.current
            try JobChanges.ask(.with { $0.replayJobs = replay }, admin, done: dryRun ? "would be replayed" : "replayed as")
        }
    }
}

/// `sallyport dead-letters discard`
struct DeadLettersDiscard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Take them off the list for good; what happened stays in the journal, their bodies do not.",
        discussion: """
            Exit codes: 0 when all were discarded, 1 when not.

            Examples:
              sallyport dead-letters discard --hook github --dry-run
              sallyport dead-letters discard 0199a1b2-7c1d-7e3f-8a4b-5c6d7e8f9a0b
            """)

    @OptionGroup var admin: AdminOptions
    @OptionGroup var choice: DeadLetterChoice

    @Flag(help: "Say what would be discarded; change nothing.")
    var dryRun = false

    func run() throws {
        try reporting {
            var discard = WireDiscardJobs()
            discard.ids = choice.ids
            if let list = try choice.list() { discard.filter = list }
            discard.dryRun = dryRun
            discard.operator = OperatorName.current
            try JobChanges.ask(.with { $0.discardJobs = discard }, admin, done: dryRun ? "would be discarded" : "discarded")
        }
    }
}
