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

    @Option(help: "Said in the hello; the executor takes the workers of its own supervisor only.")
    var family = ""

    @Option(help: "A TCP port of a host; no other may be connected to. May be repeated.")
    var port: [UInt16] = []

    @Option(help: "The version of Landlock below which it does not start.")
    var minimumLandlock = 0

    func run() throws {
        let parent = getppid()
        do {
            try ProcessHardening.apply()
            try ProcessHardening.follow(parent: parent)
            let worker = try Worker(path: socket, family: family)
            try Seal(.worker, files: .worker(ports: port), minimumLandlock: minimumLandlock).close()
            StartUpPages.giveBack()
            try worker.run()
        } catch {
            StandardError.line("sallyport-ssh-worker: \(error)")
            throw ExitCode(1)
        }
    }
}
