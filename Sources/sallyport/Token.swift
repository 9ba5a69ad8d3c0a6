import ArgumentParser

/// Tokens that callers show.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Issue and verify JSON Web Tokens.",
        discussion: """
            Examples:
              sallyport token issue --key token.key --kid ci --issuer https://ci.example > token
              sallyport token verify --keys token-keys.json < token
            """, subcommands: [TokenIssue.self, TokenVerify.self])
}
