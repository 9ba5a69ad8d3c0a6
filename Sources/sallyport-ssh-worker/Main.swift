import ArgumentParser
import Glibc
import SSH
import Sandbox

/// Parses SSH for the executor; started by `sallyport-executor serve`.
@main
struct SSHWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sallyport-ssh-worker",
        abstract: "Run commands over SSH for the executor, without any key. Started by `sallyport-executor serve`.",
        version: "0.1.0")

    @Option(help: "The executor's worker socket.")
    var socket: String

    func run() throws {
        let parent = getppid()
        do {
            try ProcessHardening.apply()
            try ProcessHardening.follow(parent: parent)
            try Worker(path: socket).run()
        } catch {
            StandardError.line("sallyport-ssh-worker: \(error)")
            throw ExitCode(1)
        }
    }
}
