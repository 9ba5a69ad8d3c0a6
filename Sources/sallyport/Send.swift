import ArgumentParser
import Authentication
import JobProtocol
import Telemetry

/// `sallyport send`
struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Post a file to a hook, signed as its sender would sign it, and print the answer.",
        discussion: """
            With --secret alone it is signed as Hookdeck signs. --scheme may be repeated, each with its own --secret, for a hook that asks \
            for several. With --stored the file is a delivery with its headers, which is sent as it is, and signed anew only where \
            --scheme or --secret says so. It speaks plain HTTP: run it beside the ingress.

            Exit codes: 0 for a 2xx answer, 1 for another one or a stream without a result, 2 wrong use or unreadable file, 3 no answer.

            Examples:
              sallyport send http://127.0.0.1:8080/hooks/github push.json \\
                  --secret hookdeck --token-file token
              sallyport send http://127.0.0.1:8080/hooks/github push.json --scheme github \\
                  --secret github -H 'X-GitHub-Event: push'
              sallyport send http://127.0.0.1:8080/hooks/github push.json --follow \\
                  --secret hookdeck --token-file token
            """)

    @Argument(help: "The hook's address, as in http://127.0.0.1:8080/hooks/github")
    var url: String

    @Argument(help: "File with the body; - for standard input.")
    var body: String

    @OptionGroup(title: "Signature")
    var signing: SigningOptions

    @Flag(help: "The file is a stored delivery: JSON with `headers` and `body` or `body-base64`, or a raw HTTP request.")
    var stored = false

    @Option(help: "File with the caller's token. Not an argument: other users of this machine can read those.")
    var tokenFile: String?

    @Option(help: "Header that carries the token.")
    var tokenHeader = "X-Sallyport-Token"

    @Option(help: "The sender's id of the event; a new one when left out.")
    var event: String?

    @Option(help: "Hookdeck's attempt.")
    var attempt: UInt32 = 1

    @Option(
        name: [.customShort("H"), .long],
        help:
            "A further header, as in `X-GitHub-Event: push`. May be repeated. Of a stored delivery it replaces the one of its name."
    )
    var header: [String] = []

    @Option(help: "Content type of the body.")
    var contentType = "application/json"

    @Option(help: "Seconds to wait for the answer.")
    var timeout = 65

    @Flag(help: "Print the body alone.")
    var quiet = false

    @Flag(
        help: "Ask for events: print the command's output while it comes, its errors to standard error, and at last the result.")
    var follow = false

    func run() throws {
        try reporting {
            let bytes = try FileOutput.read(body)
            var delivery = stored ? try StoredDelivery(bytes, origin: body) : StoredDelivery(headers: [], body: bytes)
            let event = event ?? "evt_\(Hex.encode(Random.bytes(8)))"
            if !stored || !delivery.has("Content-Type") { delivery.replace("Content-Type", contentType) }
            if signing.isHookdecks, !stored || self.event != nil {
                delivery.replace("X-Hookdeck-EventID", event)
                delivery.replace("Idempotency-Key", event)
                delivery.replace("X-Hookdeck-Attempt-Count", "\(attempt)")
                delivery.replace("X-Hookdeck-Attempt-Trigger", attempt > 1 ? "AUTOMATIC" : "INITIAL")
            }
            var address = try HTTPAddress(url)
            let message = WebhookMessage(body: delivery.body, id: event, time: WallClock.now() / 1000 - signing.age)
            for scheme in try signing.schemes() {
                let parts = try scheme.sign(message)
                for header in parts.headers { delivery.replace(header.name, header.value) }
                if let secret = parts.pathSecret { address.append(secret) }
            }
            if let value = try tokenFile.map({ String(decoding: try FileOutput.read($0, limit: 64 * 1024), as: UTF8.self) }) {
                delivery.replace(tokenHeader, value.hasSuffix("\n") ? String(value.dropLast()) : value)
            }
            try addHeaders(to: &delivery)
            if follow {
                try followEvents(of: delivery, to: address)
            } else {
                try report(try HTTPClient.post(address, headers: delivery.headers, body: delivery.body, seconds: timeout))
            }
        }
    }

    /// Prints what comes while the job runs; an answer that is no stream is reported as without `--follow`.
    private func followEvents(of delivery: StoredDelivery, to address: HTTPAddress) throws {
        var delivery = delivery
        delivery.replace("Accept", "text/event-stream")
        var printer = FollowPrinter(isQuiet: quiet)
        let ordinary = try HTTPClient.follow(address, headers: delivery.headers, body: delivery.body, seconds: timeout) {
            printer.take($0)
        }
        guard let ordinary else { throw ExitCode(printer.isSuccess ? 0 : 1) }
        try report(ordinary)
    }

    private func addHeaders(to delivery: inout StoredDelivery) throws {
        let more = try header.map { line in
            guard let colon = line.firstIndex(of: ":"), !line.contains("\r"), !line.contains("\n") else {
                throw CommandFailure("--header \(line): expected NAME: VALUE", code: .usage)
            }
            return (name: String(line[..<colon]), value: String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        if stored { for header in more { delivery.remove(header.name) } }
        delivery.headers += more
    }

    private func report(_ answer: HTTPClient.Response) throws {
        if !quiet {
            Output.line("\(answer.status) \(PrintableText.escaping(answer.reason))")
            for name in ["location", "retry-after", "www-authenticate", "idempotency-replayed", "allow"] {
                for header in answer.headers where header.name.lowercased() == name {
                    Output.line("\(header.name): \(PrintableText.escaping(header.value))")
                }
            }
        }
        Output.line(PrintableText.escaping(String(decoding: answer.body, as: UTF8.self), keepingNewlines: true))
        guard (200...299).contains(answer.status) else { throw ExitCode(1) }
    }
}
