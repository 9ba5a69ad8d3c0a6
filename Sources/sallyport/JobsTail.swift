import ArgumentParser
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Telemetry

/// `sallyport jobs tail`
struct JobsTail: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Print what a job writes until it ends, from as far back as the executor keeps it.",
        discussion: """
            Exit codes: 0 when the job succeeded, 1 when not or when there is none, 3 when the executor is not reachable.

            Examples:
              sallyport jobs tail evt_7f3a
            """)

    @Option(help: "The executor's admin socket.")
    var socket = "/run/sallyport-admin/admin.sock"

    @Flag(name: .shortAndLong, help: "As it does anyway: follow the job to its end.")
    var follow = false

    @Argument(help: "Job id or event id.")
    var id: String

    func run() throws {
        try reporting {
            var (position, status): (UInt64, WireJobStatus) = (0, .unspecified)
            try AdminClient(path: socket).ask(.with { $0.tailJob = .with { $0.id = id } }) { part in
                switch part {
                case .output(let output):
                    if output.position > position { Output.error("sallyport: [… \(output.position - position) bytes cut …]") }
                    position = output.position &+ UInt64(output.data.count)
                    let text = String(decoding: output.data, as: UTF8.self)
                    Output.piece(PrintableText.escaping(text, keepingNewlines: true), isError: output.stream == .stderr)
                case .state(let state): Output.error("sallyport: \(JobNames.name(state.status)), attempt \(state.attempts)")
                case .job(let job):
                    status = job.status
                    Output.error("sallyport: \(JobNames.name(job.status)) \(PrintableText.escaping(job.error))")
                default: break
                }
            }
            guard status == .succeeded else { throw ExitCode(1) }
        }
    }
}
