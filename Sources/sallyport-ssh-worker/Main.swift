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
        discussion: """
            Nobody starts it by hand. Its seal is shown by `sallyport-executor print-sandbox` and tried by `sallyport-executor self-attack`.
            """,
        version: "0.1.0", subcommands: [Serve.self, SelfAttack.self], defaultSubcommand: Serve.self)
}

/// The ports that a worker may connect to.
struct PortOption: ParsableArguments {
    @Option(help: "A TCP port of a host; no other may be connected to. May be repeated.")
    var port: [UInt16] = []

    var files: FileAccess { .worker(ports: port) }
}

/// `sallyport-ssh-worker serve`, which is meant when no subcommand is given.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take leases from the executor until it ends.")

    @Option(help: "The executor's worker socket.")
    var socket: String

    @Option(help: "Said in the hello; the executor takes the workers of its own supervisor only.")
    var family = ""

    @OptionGroup var ports: PortOption

    @Option(help: "The version of Landlock below which it does not start.")
    var minimumLandlock = 0

    func run() throws {
        let parent = getppid()
        do {
            ProcessHardening.closeInherited()
            try ProcessHardening.apply()
            try ProcessHardening.follow(parent: parent)
            let names = FileIdentities(FileAccess.resolver)
            let worker = try Worker(path: socket, family: family) { names.areReplaced }
            let seal = try Seal(.worker, files: ports.files, minimumLandlock: minimumLandlock)
            try worker.startLookups()
            try seal.close()
            StartUpPages.giveBack()
            try worker.run()
        } catch {
            StandardError.line("sallyport-ssh-worker: \(error)")
            throw ExitCode(1)
        }
    }
}

/// `sallyport-ssh-worker self-attack`, which `sallyport-executor self-attack` starts.
struct SelfAttack: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seal processes as a worker is, try in each what it must not be able to do, and print what came of it.")

    @OptionGroup var ports: PortOption

    @Option(help: "A file that the worker must not be able to open. May be repeated.")
    var secret: [String] = []

    func run() throws {
        let report = try Sandbox.SelfAttack(.worker, files: ports.files, secrets: secret).run()
        print(report.text)
        guard report.isHeld else { throw ExitCode(1) }
    }
}
