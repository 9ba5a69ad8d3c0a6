import Foundation
import Glibc
import JSON
import Synchronization
import TestSupport

/// The part of Hookdeck's API, version 2026-09-01, that makes sources, transformations, destinations and connections: PUT makes or
/// changes what has the name.
public final class HookdeckAPI: Sendable {
    static let version = "2026-09-01"
    private static let prefixes = ["sources": "src", "transformations": "trs", "destinations": "des", "connections": "web"]

    /// Where it listens, on 127.0.0.1.
    public let port: Int
    private let listener: Int32
    private let key: String
    private let state = Mutex(State())

    private struct State {
        var things: [String: [String: JSONValue]] = [:]
        var ids: [String: String] = [:]
        var isStopped = false
    }

    /// Listens at once, for whoever has the key.
    public init(key: String) throws {
        self.key = key
        let (listener, port) = try FreePort.listener()
        (self.listener, self.port) = (listener, port)
        Thread { [listener, weak self] in
            while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
                self?.serve(descriptor)
                close(descriptor)
            }
            close(listener)
        }.start()
    }

    deinit { stop() }

    /// Takes no more requests.
    public func stop() {
        state.withLock { state in
            if !state.isStopped { shutdown(listener, Int32(SHUT_RDWR)) }
            state.isStopped = true
        }
    }

    /// What was put under a name, with its id.
    public func thing(_ kind: String, _ name: String) -> JSONValue? { state.withLock { $0.things[kind]?[name] } }
    /// How many there are of a kind.
    public func count(_ kind: String) -> Int { state.withLock { $0.things[kind]?.count ?? 0 } }

    /// A connection as it was put, towards the port of a destination on this machine.
    public func connection(_ name: String) throws -> HookdeckConnection {
        guard let connection = thing("connections", name), let rules = connection["rules"]?.array,
            let source = thing(withID: connection["source_id"]), let destination = thing(withID: connection["destination_id"]),
            let url = (destination["config"]?["url"]?.string).flatMap(URL.init(string:)), let port = url.port
        else { throw TestBedError("no connection \(name)") }
        func rule(_ type: String) -> JSONValue? { rules.first { $0["type"]?.string == type } }
        let transformation = (rule("transform")?["transformation_id"]).flatMap { thing(withID: $0) }
        let policy = destination["config"]?["delivery_policy"]
        let isConcurrent = policy?["period"]?.string == "concurrent"
        return HookdeckConnection(
            name: name, source: source["name"]?.string ?? "", destination: destination["name"]?.string ?? "", port: port,
            path: url.path,
            limit: isConcurrent ? (policy?["rate"]?.number?.int64).map { .concurrent(Int($0)) } : nil,
            retry: try rule("retry").map { try RetryRule($0) }, filter: try rule("filter").map { try FilterRule($0) },
            transformation: transformation.map { found in
                Transformation(
                    code: found["code"]?.string ?? "",
                    environment: (found["env"]?.object?.members ?? []).map { ($0.name, $0.value.string ?? "") })
            })
    }

    private func thing(withID id: JSONValue?) -> JSONValue? {
        guard let id else { return nil }
        return state.withLock { $0.things.values.flatMap(\.values).first { $0["id"] == id } }
    }

    private func serve(_ descriptor: Int32) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var text = ""
        var wanted = Int.max
        while bytes.count < wanted {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return }
            bytes += buffer.prefix(count)
            text = String(decoding: bytes, as: UTF8.self)
            guard wanted == .max, let end = text.range(of: "\r\n\r\n") else { continue }
            let length = text[..<end.lowerBound].lowercased().components(separatedBy: "content-length: ").last.flatMap {
                Int($0.prefix { $0.isNumber })
            }
            wanted = text[..<end.upperBound].utf8.count + (length ?? 0)
        }
        let parts = text.components(separatedBy: "\r\n\r\n")
        let (status, body) = answer(parts[0], parts.dropFirst().joined(separator: "\r\n\r\n"))
        let reply =
            "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
        _ = Array(reply.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private func answer(_ head: String, _ body: String) -> (Int, String) {
        let lines = head.components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        guard lines.contains("Authorization: Bearer \(key)") else { return (401, #"{"message":"Unauthorized"}"#) }
        let path = words[1].split(separator: "/").map(String.init)
        guard words[0] == "PUT", path.count == 2, path[0] == Self.version, let prefix = Self.prefixes[path[1]] else {
            return (404, #"{"message":"Not Found"}"#)
        }
        guard let sent = try? JSONValue.parse(Array(body.utf8)), let object = sent.object, let name = sent["name"]?.string,
            name.wholeMatch(of: /[A-Za-z0-9_-]+/) != nil, let trouble = problem(path[1], sent)
        else { return (422, #"{"message":"name"}"#) }
        guard trouble.isEmpty else { return (422, #"{"message":"\#(trouble)"}"#) }
        let kept = state.withLock { state in
            let id = state.things[path[1]]?[name]?["id"] ?? .string("\(prefix)_\(HookdeckStandIn.name())")
            var members = object.members + [("id", id)]
            if path[1] == "sources" { members.append(("url", .string("https://hkdk.events/\(id.string ?? "")"))) }
            let kept = JSONValue.object(JSONObject(members))
            state.things[path[1], default: [:]][name] = kept
            return kept
        }
        return (200, kept.description)
    }

    /// Why Hookdeck would not take it; empty where it would. Members it does not know it passes over.
    private func problem(_ kind: String, _ sent: JSONValue) -> String? {
        switch kind {
        case "destinations":
            let config = sent["config"]
            return config?["auth_type"] != nil && config?["auth"] == nil ? "destination.config.auth is required" : ""
        case "transformations": return sent["code"]?.string == nil ? "code" : ""
        case "connections":
            let transformations = (sent["rules"]?.array ?? []).compactMap { $0["transformation_id"] }
            let ids = [sent["source_id"], sent["destination_id"]] + transformations
            return ids.contains { thing(withID: $0) == nil } ? "source_id, destination_id or transformation_id is not known" : ""
        default: return ""
        }
    }
}
