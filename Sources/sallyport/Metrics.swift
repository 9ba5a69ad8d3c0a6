import ArgumentParser
import Glibc
import ProtocolMessages
import SwiftProtobuf

/// `sallyport metrics`
struct Metrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the executor's metrics in Prometheus' text format.",
        discussion: """
            The executor opens no TCP port. With --file, from a timer, they reach Prometheus by the textfile collector of node_exporter. \
            Exit codes: 0 done, 2 the file cannot be written, 3 the executor is not reachable.

            Examples:
              sallyport metrics
              sallyport metrics --file /var/lib/node_exporter/textfile/sallyport.prom
            """
    )

    @Option(help: "The executor's admin socket.")
    var socket = "/run/sallyport-admin/admin.sock"

    @Option(help: "Replace this file, at one moment, instead of printing; its name ends in .prom for node_exporter.")
    var file: String?

    func run() throws {
        try reporting {
            var text = ""
            try AdminClient(path: socket).ask(.with { $0.getMetrics = .init() }) { part in
                if case .metrics(let part) = part { text += part.text }
            }
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
