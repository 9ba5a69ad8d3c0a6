import Authentication
import JSON
import NIOCore
import NIOHTTP1
import Settings

@testable import Ingress

/// What many tests begin with.
enum Samples {
    /// The time at which the sample deliveries arrive, in Unix milliseconds.
    static let now: Int64 = 1_750_000_000_000

    /// The hook `github` whose settings are these lines of a flow mapping, beside its job and how it is verified.
    static func hook(_ settings: String = "", name: String = "github", verify: String = "none") throws -> Hook {
        let text = "\(name): {verify: \(verify), job: deploy\(settings.isEmpty ? "" : ", " + settings)}"
        let file = try SettingsFile(text: text, file: "ingress.yaml")
        let hook = file.root.entries().first.flatMap { HookSettings.hook($0.name, $0.value) }
        try file.finish()
        guard let hook else { throw Missing() }
        return hook
    }

    /// A delivery of JSON.
    static func delivery(_ body: String = "{}", _ headers: [(String, String)] = [], query: String = "") -> Delivery {
        Delivery(
            headers: HTTPHeaders([("Content-Type", "application/json")] + headers), query: RequestTarget.query("/?\(query)"),
            body: ByteBuffer(string: body), receivedAt: now)
    }

    struct Missing: Error {}
}

extension Answer {
    /// The first header of that name, in any case.
    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    /// The body as text.
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON.
    func json() throws -> JSONValue { try JSONValue.parse(body) }
}

extension Rejection {
    /// The refusal that `body` ends in; nil when it accepts.
    static func of<T>(_ body: () throws -> T) -> Rejection? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? Rejection
        }
    }
}
