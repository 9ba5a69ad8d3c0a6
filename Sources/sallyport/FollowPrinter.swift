import Authentication
import JSON
import Telemetry

/// Prints a job's events for `send --follow`: output as it was written, everything else on standard error.
struct FollowPrinter {
    let isQuiet: Bool
    /// The result has come, and it was a success.
    private(set) var isSuccess = false

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    mutating func take(_ event: ServerEvent) {
        guard let data = try? JSONValue.parse(Array(event.data.utf8)) else { return }
        switch event.name {
        case "output": output(data)
        case "state":
            say("\(text(data, "status"))\(data["statusCode"] == nil ? "" : "; it goes on at \(text(data, "location"))")")
        case "result":
            isSuccess = data["statusCode"]?.number?.text.hasPrefix("2") ?? false
            say("\(text(data, "status")) \(text(data, "error"))")
        default: break
        }
    }

    private func output(_ data: JSONValue) {
        if let dropped = data["dropped"]?.number?.text { say("[… \(dropped) bytes cut …]") }
        let bytes = data["text"]?.string.map { Array($0.utf8) } ?? data["base64"]?.string.flatMap { Base64.decode($0.utf8) } ?? []
        guard !bytes.isEmpty else { return }
        Output.piece(
            PrintableText.escaping(String(decoding: bytes, as: UTF8.self), keepingNewlines: true),
            isError: data["stream"]?.string == "stderr"
        )
    }

    private func text(_ data: JSONValue, _ name: String) -> String { data[name]?.string ?? "" }

    private func say(_ line: String) {
        guard !isQuiet else { return }
        Output.error("sallyport: \(PrintableText.escaping(line))")
    }
}
