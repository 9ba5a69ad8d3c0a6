import ArgumentParser
import Glibc
import Sandbox
import Telemetry

/// `sallyport metrics`
struct Metrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the executor's metrics for Prometheus, keep a file of them, or serve them.",
        discussion: """
            The executor opens no TCP port. With --listen this command, as a process of its own that is no more than a reader of the admin \
            socket, serves GET /metrics until SIGTERM, sealed, and without the executor it answers 503. With --file, from a timer, the \
            metrics reach Prometheus by the textfile collector of node_exporter.

            Exit codes: 0 done, 2 wrong use, or the file or the address cannot be had, 3 the executor is not reachable.

            Examples:
              sallyport metrics
              sallyport metrics --listen 127.0.0.1:9464
              sallyport metrics --file /var/lib/node_exporter/textfile/sallyport.prom
            """
    )

    @Option(help: "The executor's admin socket.")
    var socket = "/run/sallyport-admin/admin.sock"

    @Option(help: "Replace this file, at one moment, instead of printing; its name ends in .prom for node_exporter.")
    var file: String?

    @Option(help: "Serve them at this address, as in 127.0.0.1:9464 or [::1]:9464, instead of printing.")
    var listen: String?

    @Flag(help: "Print in the OpenMetrics format.")
    var openMetrics = false

    @Flag(
        help:
            "Print what the process of --listen may do once it serves: in words, as a table, and as the program that the kernel gets."
    )
    var printSandbox = false

    @Flag(help: "Seal processes as that one is, try in each what it must not be able to do, and print what came of it.")
    var selfAttack = false

    @Option(help: "With --self-attack: a file that it must not be able to open. May be repeated.")
    var secret: [String] = []

    func validate() throws {
        guard secret.isEmpty || selfAttack else { throw ValidationError("--secret is for --self-attack") }
        guard file == nil || listen == nil else { throw ValidationError("--file and --listen are two ways; take one") }
        guard listen == nil || !openMetrics else {
            throw ValidationError("who asks over HTTP says the format; leave --open-metrics")
        }
    }

    func run() throws {
        try reporting {
            if printSandbox { return print(try SandboxReport(.exporter, files: FileAccess()).text()) }
            if selfAttack {
                let report = try SelfAttack(.exporter, files: FileAccess(), secrets: secret).run()
                print(report.text)
                guard report.isHeld else { throw ExitCode(CommandFailure.Code.failed.rawValue) }
                return
            }
            if let listen { return try MetricsExporter(at: ExporterAddress(listen), source: socket).serve() }
            let text = try MetricsSource.read(socket, openMetrics ? .openMetrics : .text)
            guard let file else { return Output.piece(text, isError: false) }
            // Beside the file, for a rename that is one moment; node_exporter does not read this name.
            let new = "\(file).\(getpid())"
            try FileOutput.text(text, to: new, replacing: true)
            guard unsafe rename(new, file) == 0 else {
                let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
                unsafe unlink(new)
                throw CommandFailure("replace \(file): \(reason)", code: .usage)
            }
        }
    }
}
