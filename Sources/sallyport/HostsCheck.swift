import ArgumentParser
import Glibc
import JSON
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Telemetry

/// `sallyport hosts check`
struct HostsCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract:
            "Have the executor log in on hosts and run `true` there: is each reachable, its key pinned, its user let in, its shell good.",
        discussion: """
            Name hosts or groups of the executor's settings, or write --all. Exit codes: 0 all hosts are good, 1 one is not, 3 the \
            executor is not reachable.

            Examples:
              sallyport hosts check web-1 db-1
              sallyport hosts check --all --json
            """
    )

    @OptionGroup var admin: AdminOptions

    @Flag(help: "All hosts of the settings.")
    var all = false

    @Argument(help: "Hosts or groups.")
    var hosts: [String] = []

    func run() throws {
        try reporting {
            guard all == hosts.isEmpty else { throw CommandFailure("name hosts or groups, or write --all", code: .usage) }
            let check = WireCheckHosts.with {
                $0.hosts = hosts
                $0.all = all
                $0.operator = OperatorName.current
            }
            var (count, failures) = (0, 0)
            let progress = Progress(isShown: isatty(STDERR_FILENO) == 1 && Output.isTerminal && !admin.json)
            progress.say("checking …")
            try AdminClient(path: admin.socket).ask(.with { $0.checkHosts = check }) { part in
                guard case .hostCheck(let host) = part else { return }
                count += 1
                if host.failed != .unspecified { failures += 1 }
                progress.clear()
                Output.line(admin.json ? Self.json(host) : Self.line(host))
                progress.say("\(count) checked …")
            }
            progress.clear()
            guard failures == 0 else { throw ExitCode(CommandFailure.Code.failed.rawValue) }
        }
    }

    static func line(_ host: WireHostCheck) -> String {
        guard host.failed != .unspecified else {
            return "\(host.host): \(Style.good("good")): reachable, host key, authentication, prelude; \(host.durationMs) ms"
        }
        let next = host.next.isEmpty ? "" : "; \(host.next)"
        let what = PrintableText.escaping("at \(name(host.failed)): \(host.error)\(next); \(host.durationMs) ms")
        return "\(PrintableText.escaping(host.host)): \(Style.bad("FAILED")) \(what)"
    }

    private static func name(_ step: WireHostStep) -> String {
        switch step {
        case .reach: "reaching it"
        case .hostKey: "its host key"
        case .authentication: "authentication"
        case .prelude: "the prelude"
        case .unspecified, .UNRECOGNIZED: ""
        }
    }

    private static func word(_ step: WireHostStep) -> String {
        switch step {
        case .reach: "reach"
        case .hostKey: "host-key"
        case .authentication: "authentication"
        case .prelude: "prelude"
        case .unspecified, .UNRECOGNIZED: ""
        }
    }

    private static func json(_ host: WireHostCheck) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.name("good")
        json.bool(host.failed == .unspecified)
        json.fields([
            ("host", host.host), ("failed", word(host.failed)), ("error", host.error), ("next", host.next), ("job", host.jobID),
        ])
        json.numbers([("durationMs", Int64(clamping: host.durationMs))])
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

/// One line on a terminal that is written over.
private struct Progress {
    let isShown: Bool

    func say(_ text: String) { if isShown { Output.piece(text, isError: true) } }
    func clear() { if isShown { Output.piece("\r\u{1b}[K", isError: true) } }
}
