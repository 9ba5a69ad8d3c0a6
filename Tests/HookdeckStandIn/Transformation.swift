import Foundation
import JSON
import TestSupport

/// Code of a transformation with its variables, run by the real node as an isolate of Hookdeck's would.
public struct Transformation: Sendable {
    private let code: String
    private let environment: [(name: String, value: String)]

    /// - Parameter environment: what the code has in `process.env`.
    public init(code: String, environment: [(name: String, value: String)]) {
        self.code = code
        self.environment = environment
    }

    /// The request as it goes on; the body is written anew, as Hookdeck does it.
    ///
    /// - Throws: what the code threw: an issue at Hookdeck, and no event.
    public func apply(
        headers: [(name: String, value: String)], body: [UInt8]
    ) throws -> (headers: [(name: String, value: String)], body: [UInt8]) {
        func strings(_ pairs: [(name: String, value: String)]) -> JSONValue {
            .object(JSONObject(pairs.map { ($0.name, .string($0.value)) }))
        }
        let content = (try? JSONValue.parse(body)) ?? .string(String(decoding: body, as: UTF8.self))
        let input = JSONValue.object(
            JSONObject([
                ("code", .string(code)), ("env", strings(environment)),
                ("request", .object(JSONObject([("headers", strings(headers)), ("body", content)]))),
            ]))
        let isolate = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "isolate.js").path
        let run = try Command.run("/usr/bin/env", ["node", isolate], input: Data(input.description.utf8))
        guard run.code == 0 else { throw TestBedError("node: \(run.errors)") }
        let answer = try JSONValue.parse(Array(run.output.utf8))
        if let error = answer["error"]?.string { throw TestBedError(error) }
        guard let request = answer["request"], let changed = request["headers"]?.object else {
            throw TestBedError("the transformation gave no request")
        }
        let text = request["body"].map { $0.string ?? $0.description } ?? ""
        return (changed.members.map { ($0.name, $0.value.string ?? $0.value.description) }, Array(text.utf8))
    }
}
