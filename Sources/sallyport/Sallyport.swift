import ArgumentParser

/// The operator's command.
@main
struct Sallyport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sallyport",
        abstract: "Operate Sallyport: keys, tokens, test deliveries, host keys, and what happened to a delivery.",
        discussion: "Exit codes: 0 yes or done, 1 no or failed, 2 wrong use or unreadable file, 3 not reachable.",
        version: "0.1.0",
        subcommands: [Initialize.self, KeyGeneration.self, Token.self, Send.self, Hosts.self, Jobs.self])
}
