import ArgumentParser
import Glibc

/// The operator's command.
@main
struct Sallyport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sallyport",
        abstract: "Operate Sallyport: keys, tokens, test deliveries, host keys, what happened to a delivery, and proof of it.",
        discussion: """
            Exit codes: 0 yes or done, 1 no or failed, 2 wrong use or unreadable file, 3 not reachable.

            Examples:
              sallyport init /etc/sallyport --host 10.0.0.11 --user deploy
              sallyport status
              sallyport jobs show evt_7f3a
            """,
        version: "0.1.0",
        subcommands: [
            Initialize.self, KeyGeneration.self, Token.self, Send.self, Status.self, Hosts.self, Jobs.self, DeadLetters.self,
            Metrics.self, AuditCommand.self,
        ])

    /// As the library does it, but wrong use ends with 2, not with EX_USAGE.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch  where exitCode(for: error) == .validationFailure {
            Output.error(fullMessage(for: error))
            Glibc.exit(CommandFailure.Code.usage.rawValue)
        } catch {
            exit(withError: error)
        }
    }
}
