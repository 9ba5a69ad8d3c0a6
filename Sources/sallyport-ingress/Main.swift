import ArgumentParser
import Authentication
import Glibc
import Ingress
import Logging
import Sandbox
import Settings
import SettingsReload
import Telemetry

/// The gate that meets the network and holds no keys.
@main
struct SallyportIngress: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sallyport-ingress", abstract: "Receive webhooks, verify them, and hand jobs to the executor.",
        discussion: """
            Exit codes: 0 done, 1 failed, 64 wrong use, 78 the settings are wrong: each problem is a line with file and line number.

            Examples:
              sallyport-ingress check --config /etc/sallyport/ingress.yaml
              sallyport-ingress serve --config /etc/sallyport/ingress.yaml
            """,
        version: IngressProcess.version, subcommands: [Serve.self, Check.self, PrintSandbox.self, SelfAttack.self, Probe.self])
}

/// `sallyport-ingress serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until SIGTERM.",
        discussion: """
            SIGHUP reads the settings again, all of it or nothing. After SIGTERM whoever waits is answered, for up to 30 seconds; a second \
            one ends that.

            Examples:
              sallyport-ingress serve --config /etc/sallyport/ingress.yaml
            """)

    @Option(help: "The settings file.")
    var config: String

    func run() throws {
        ProcessSignals.block()
        let threshold = LogThreshold()
        let logger = Logger(label: "ingress") { _ in LineLogHandler(service: "sallyport-ingress", threshold: threshold) }
        do {
            ProcessHardening.closeInherited()
            try ProcessHardening.apply()
            try SecretHeap.prepare()
            let file = config
            // Before there is a thread, a listener or a secret for it to inherit.
            let reader = try SettingsReader.start { _ = try? IngressSettings(file: file) }
            try IngressProcess(reader: reader, threshold: threshold, logger: logger).serve(IngressSettings(file: file))
        } catch let problems as SettingsProblems {
            StandardError.line("\(problems)")
            throw ExitCode(78)
        } catch {
            logger.critical("cannot start", metadata: ["error": "\(error)"])
            throw ExitCode(1)
        }
    }
}

/// `sallyport-ingress print-sandbox`
struct PrintSandbox: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what the process may do once it serves: in words, as a table, and as the program that the kernel gets.",
        discussion: """
            Examples:
              sallyport-ingress print-sandbox
              sallyport-ingress print-sandbox --config /etc/sallyport/ingress.yaml
            """)

    @Option(help: "The settings file: with a spool in it the process may do more.")
    var config: String?

    func run() throws {
        do {
            let settings = try config.map { try IngressSettings(file: $0) }
            print(try SandboxReport(settings?.profile ?? .ingress, files: settings?.files ?? FileAccess()).text())
            print(try SandboxReport(.settingsReader, files: nil).text())
        } catch let problems as SettingsProblems {
            StandardError.line("\(problems)")
            throw ExitCode(78)
        }
    }
}

/// `sallyport-ingress self-attack`
struct SelfAttack: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seal processes as the serving one is, try in each what it must not be able to do, and print what came of it.",
        discussion: """
            Exit code 0 only if every attack failed. The same is tried without the seal, so that the table proves something.

            Examples:
              sallyport-ingress self-attack --config /etc/sallyport/ingress.yaml \\
                  --secret /etc/sallyport/keys/deploy
            """)

    @Option(help: "The settings file.")
    var config: String

    @Option(help: "A file that the ingress must not be able to open, beside those that its settings name. May be repeated.")
    var secret: [String] = []

    func run() throws {
        do {
            let (settings, paths) = try SettingsFiles.read { try IngressSettings(file: config) }
            let report = try Sandbox.SelfAttack(settings.profile, files: settings.files, secrets: paths + secret).run()
            print(report.text)
            guard report.isHeld else { throw ExitCode(1) }
        } catch let problems as SettingsProblems {
            StandardError.line("\(problems)")
            throw ExitCode(78)
        }
    }
}

/// `sallyport-ingress check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the settings, say everything that is wrong, and change nothing.",
        discussion: """
            Says in words what each hook asks for. Run it as the user that serves: it opens the same files. Exit codes: 0 good, 78 not.

            Examples:
              sallyport-ingress check --config /etc/sallyport/ingress.yaml
            """)

    @Option(help: "The settings file.")
    var config: String

    func run() throws {
        do throws(SettingsProblems) {
            print(try IngressSettings(file: config).summary)
        } catch {
            StandardError.line("\(error)")
            throw ExitCode(78)
        }
    }
}

/// `sallyport-ingress probe`
struct Probe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Ask the running ingress whether it is ready; exit code 0 when it is, 1 when not. For a container's health check.",
        discussion: """
            Examples:
              sallyport-ingress probe --config /etc/sallyport/ingress.yaml
              sallyport-ingress probe --config /etc/sallyport/ingress.yaml --timeout 10
            """)

    @Option(help: "The settings file.")
    var config: String

    @Option(help: "Seconds to wait for the answer, 1 to 60.")
    var timeout = 3

    func run() throws {
        do {
            print(try ReadinessProbe(file: config).run(within: .seconds(max(1, min(60, timeout)))))
        } catch {
            StandardError.line("\(error)")
            throw ExitCode(1)
        }
    }
}
