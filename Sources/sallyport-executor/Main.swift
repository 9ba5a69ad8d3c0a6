import ArgumentParser
import Authentication
import Executor
import Glibc
import Logging
import Sandbox
import Settings
import SettingsReload
import Telemetry

/// The gate that holds the SSH keys and never meets the network.
@main
struct SallyportExecutor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sallyport-executor", abstract: "Check jobs against the policy and run them over SSH.",
        discussion: """
            Exit codes: 0 done, 1 failed, 64 wrong use, 78 the settings are wrong: each problem is a line with file and line number.

            Examples:
              sallyport-executor check --config /etc/sallyport/executor.yaml
              sallyport-executor serve --config /etc/sallyport/executor.yaml
            """,
        version: ExecutorProcess.version,
        subcommands: [Serve.self, Check.self, PrintSandbox.self, SelfAttack.self, Journal.self, Run.self])
}

/// The settings file every subcommand reads.
struct SettingsOption: ParsableArguments {
    @Option(help: "The settings file.")
    var config: String

    /// What `body` returns; problems of the settings are said one a line, and end with exit code 78.
    func reading<T>(_ body: (String) throws -> T) throws -> T {
        do {
            return try body(config)
        } catch let problems as SettingsProblems {
            StandardError.line("\(problems)")
            throw ExitCode(Supervisor.badSettings)
        }
    }
}

/// `sallyport-executor serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until SIGTERM: a supervisor that starts the executor and its SSH workers, and starts a dead one again.",
        discussion: """
            SIGHUP reads the settings again, all of it or nothing. After SIGTERM what runs may end for half a minute; what waits is left \
            to the next start.

            Examples:
              sallyport-executor serve --config /etc/sallyport/executor.yaml
            """)

    @OptionGroup var settings: SettingsOption

    func run() throws {
        ProcessHardening.closeInherited()
        ProcessSignals.block()
        SystemdNotify.leaveToChild()
        let logger = Logger(label: "supervisor") { _ in
            LineLogHandler(service: "sallyport-executor-supervisor", threshold: LogThreshold())
        }
        let layout = try settings.reading { try WorkerLayout(file: $0) }
        let program = try Program()
        var supervisor = Supervisor(
            executor: program.path, configuration: settings.config, worker: program.worker, layout: layout, logger: logger)
        do {
            try ProcessHardening.apply()
        } catch {
            logger.critical("cannot start", metadata: ["error": "\(error)"])
            throw ExitCode(1)
        }
        throw ExitCode(supervisor.run())
    }
}

/// Where this program and its SSH worker are: side by side.
struct Program {
    let path: String

    init() throws(ValidationError) {
        var bytes = [CChar](repeating: 0, count: 4096)
        let length = unsafe readlink("/proc/self/exe", &bytes, bytes.count - 1)
        guard length > 0 else { throw ValidationError("/proc/self/exe cannot be read; mount /proc") }
        path = String(decoding: bytes.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    var worker: String { (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + "sallyport-ssh-worker" }
}

/// `sallyport-executor run`: the executor proper, started by `serve`.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The executor proper, without supervisor and workers. Started by serve.", shouldDisplay: false)

    @OptionGroup var settings: SettingsOption

    @Option(help: "What the workers of the same supervisor say in their hello.")
    var family = ""

    func run() throws {
        ProcessSignals.block()
        let threshold = LogThreshold()
        let logger = Logger(label: "executor") { _ in LineLogHandler(service: "sallyport-executor", threshold: threshold) }
        do {
            let parent = getppid()
            ProcessHardening.closeInherited()
            try ProcessHardening.apply()
            try ProcessHardening.follow(parent: parent)
            try SecretHeap.prepare()
            let file = settings.config
            // Before there is a thread, a listener or a secret for it to inherit.
            let reader = try SettingsReader.start { _ = try? ExecutorSettings(file: file) }
            try ExecutorProcess(reader: reader, family: family, threshold: threshold, logger: logger)
                .serve(settings.reading { try ExecutorSettings(file: $0) })
        } catch let exit as ExitCode {
            throw exit
        } catch {
            logger.critical("cannot start", metadata: ["error": "\(error)"])
            throw ExitCode(Supervisor.cannotStart)
        }
    }
}

/// `sallyport-executor print-sandbox`
struct PrintSandbox: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Print what the executor and its SSH workers may do once they serve: in words, as a table, and as the programs that the kernel gets.",
        discussion: """
            Examples:
              sallyport-executor print-sandbox --config /etc/sallyport/executor.yaml
            """
    )

    @OptionGroup var settings: SettingsOption

    func run() throws {
        let (files, ports) = try settings.reading { (try ExecutorSettings(file: $0).files, try WorkerLayout(file: $0).ports) }
        print(try SandboxReport(.executor, files: files).text())
        print("\n" + String(repeating: "-", count: 80) + "\n")
        print(try SandboxReport(.worker, files: .worker(ports: ports)).text())
        print("\n" + String(repeating: "-", count: 80) + "\n")
        print(try SandboxReport(.settingsReader, files: nil).text())
    }
}

/// `sallyport-executor self-attack`
struct SelfAttack: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Seal processes as the executor and its SSH workers are, try in each what it must not be able to do, and print what came of it.",
        discussion: """
            Exit code 0 only if every attack failed. The same is tried without the seal, so that the table proves something.

            Examples:
              sallyport-executor self-attack --config /etc/sallyport/executor.yaml
            """)

    @OptionGroup var settings: SettingsOption

    @Option(help: "A file that neither must be able to open, beside those that the settings name. May be repeated.")
    var secret: [String] = []

    func run() throws {
        let (executor, paths) = try settings.reading { file in try SettingsFiles.read { try ExecutorSettings(file: file) } }
        let layout = try settings.reading { try WorkerLayout(file: $0) }
        let report = try Sandbox.SelfAttack(.executor, files: executor.files, secrets: paths + secret).run()
        print(report.text + "\n")
        fflush(nil)
        let isWorkerHeld = try layout.attackWorker(program: Program().worker, secrets: paths + secret)
        guard report.isHeld, isWorkerHeld else { throw ExitCode(1) }
    }
}

/// `sallyport-executor check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the settings, say everything that is wrong, and change nothing.",
        discussion: """
            Says in words what each job may run, and warns of what may go wrong with it. Run it as the user that serves: it opens the same \
            files. Exit codes: 0 good, 78 not.

            Examples:
              sallyport-executor check --config /etc/sallyport/executor.yaml
            """)

    @OptionGroup var settings: SettingsOption

    func run() throws {
        print(try settings.reading { try ExecutorSettings(file: $0).summary })
    }
}
