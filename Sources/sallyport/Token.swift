import ArgumentParser

/// Tokens that callers show.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Issue and verify JSON Web Tokens.", subcommands: [TokenIssue.self, TokenVerify.self])
}
