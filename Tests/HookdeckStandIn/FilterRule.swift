import JSON
import TestSupport

/// A connection's filter: the part of Hookdeck's syntax that the repository's files use. An operator it does not know is an error.
public struct FilterRule: Sendable {
    private let headers: JSONValue?
    private let body: JSONValue?

    /// `{"type":"filter","headers":{…},"body":{…}}`.
    public init(_ rule: JSONValue) throws {
        guard rule["type"]?.string == "filter" else { throw TestBedError("no filter rule: \(rule)") }
        headers = rule["headers"]
        body = rule["body"]
    }

    func passes(headers sent: [(name: String, value: String)], body content: JSONValue?) throws -> Bool {
        let object = JSONObject(sent.map { ($0.name.lowercased(), .string($0.value)) })
        return try (headers.map { try Self.matches(.object(object), $0) } ?? true)
            && (body.map { try Self.matches(content, $0) } ?? true)
    }

    private static func matches(_ value: JSONValue?, _ pattern: JSONValue) throws -> Bool {
        guard let conditions = pattern.object else {
            if let elements = value?.array, pattern.array == nil { return elements.contains(pattern) }
            return value == pattern
        }
        return try conditions.members.allSatisfy { name, inner in
            switch name {
            case "$eq": value == inner
            case "$neq": value != inner
            case "$in": inner.array?.contains { $0 == value } ?? false
            case "$exist": (value != nil) == (inner == .bool(true))
            case "$or": try inner.array?.contains { try matches(value, $0) } ?? false
            case "$not": try !matches(value, inner)
            case _ where name.hasPrefix("$"): throw TestBedError("the stand-in knows no operator \(name)")
            default: try matches(value?[name], inner)
            }
        }
    }
}
