import ArgumentParser
import Authentication
import JobProtocol

/// `sallyport send`
struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Post a file to a hook, signed as Hookdeck would sign it, and print the answer.",
        discussion: "Exit codes: 0 for a 2xx answer, 1 for another one, 2 wrong use or unreadable file, 3 no answer.")

    @Argument(help: "The hook's address, as in http://127.0.0.1:8080/hooks/github")
    var url: String

    @Argument(help: "File with the body; - for standard input.")
    var body: String

    @Option(help: "File with the Hookdeck signing secret; without it the delivery is not signed.")
    var secret: String?

    @Option(help: "File with the caller's token. Not an argument: other users of this machine can read those.")
    var tokenFile: String?

    @Option(help: "Header that carries the token.")
    var tokenHeader = "X-Sallyport-Token"

    @Option(help: "Hookdeck's event id; a new one when left out.")
    var event: String?

    @Option(help: "Hookdeck's attempt.")
    var attempt: UInt32 = 1

    @Option(name: [.customShort("H"), .long], help: "A further header, as in `X-GitHub-Event: push`. May be repeated.")
    var header: [String] = []

    @Option(help: "Content type of the body.")
    var contentType = "application/json"

    @Option(help: "Seconds to wait for the answer.")
    var timeout = 65

    @Flag(help: "Print the body alone.")
    var quiet = false

    func run() throws {
        try reporting {
            let bytes = try FileOutput.read(body)
            let event = event ?? "evt_\(Hex.encode(Random.bytes(8)))"
            var headers = [
                (name: "Content-Type", value: contentType), (name: "X-Hookdeck-EventID", value: event),
                (name: "Idempotency-Key", value: event), (name: "X-Hookdeck-Attempt-Count", value: "\(attempt)"),
                (name: "X-Hookdeck-Attempt-Trigger", value: attempt > 1 ? "AUTOMATIC" : "INITIAL"),
            ]
            if let secret {
                let key = try SecretBytes.read(file: secret).trimmingTrailingNewline()
                headers.append(("X-Hookdeck-Signature", try HookdeckSignature(secrets: [key]).sign(bytes)))
            }
            if let value = try tokenFile.map({ String(decoding: try FileOutput.read($0, limit: 64 * 1024), as: UTF8.self) }) {
                headers.append((tokenHeader, value.hasSuffix("\n") ? String(value.dropLast()) : value))
            }
            for line in header {
                guard let colon = line.firstIndex(of: ":"), !line.contains("\r"), !line.contains("\n") else {
                    throw CommandFailure("--header \(line): expected NAME: VALUE", code: .usage)
                }
                headers.append((String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " })))
            }
            let answer = try HTTPClient.post(HTTPAddress(url), headers: headers, body: bytes, seconds: timeout)
            if !quiet {
                Output.line("\(answer.status) \(Table.safe(answer.reason))")
                for name in ["location", "retry-after", "www-authenticate", "idempotency-replayed", "allow"] {
                    for header in answer.headers where header.name.lowercased() == name {
                        Output.line("\(header.name): \(Table.safe(header.value))")
                    }
                }
            }
            Output.line(Table.safe(String(decoding: answer.body, as: UTF8.self), keepingNewlines: true))
            guard (200...299).contains(answer.status) else { throw ExitCode(1) }
        }
    }
}
