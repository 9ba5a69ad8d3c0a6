/// What a sender signs, in the words of the settings: `{body}` once, `{timestamp}` and `{id}` where it signs them, and text between.
public struct SignedTemplate: Sendable {
    /// Bytes a template may have.
    public static let maximumLength = 256
    /// The body and nothing else.
    public static let body = SignedTemplate(before: [], after: [])

    enum Part: Sendable, Equatable {
        case literal([UInt8])
        case timestamp
        case id
    }

    private let before: [Part]
    private let after: [Part]

    private init(before: [Part], after: [Part]) {
        self.before = before
        self.after = after
    }

    /// The template of a scheme that is known here.
    init(known before: Part...) { self.init(before: before, after: []) }

    /// - Throws: ``AuthenticationError`` saying what is wrong with it.
    public init(_ text: String) throws(AuthenticationError) {
        guard text.utf8.count <= Self.maximumLength else {
            throw AuthenticationError(.badForm, "what is signed is described in \(Self.maximumLength) bytes at most")
        }
        var parts: [Part?] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open].utf8))) }
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw AuthenticationError(.badForm, "a `{` without its `}`")
            }
            switch rest[rest.index(after: open)..<close] {
            case "body": parts.append(nil)
            case "timestamp": parts.append(.timestamp)
            case "id": parts.append(.id)
            default: throw AuthenticationError(.badForm, "only {body}, {timestamp} and {id} are known")
            }
            rest = rest[rest.index(after: close)...]
        }
        guard !rest.contains("}") else { throw AuthenticationError(.badForm, "a `}` without its `{`") }
        if !rest.isEmpty { parts.append(.literal(Array(rest.utf8))) }
        guard let body = parts.firstIndex(where: { $0 == nil }), parts.count(where: { $0 == nil }) == 1 else {
            throw AuthenticationError(.badForm, "{body} must stand in it once: what is not signed can be changed")
        }
        self.init(before: parts[..<body].compactMap { $0 }, after: parts[(body + 1)...].compactMap { $0 })
        // Nothing but text can say where an id begins and ends; a time has as many digits as the tolerance lets it have.
        for (index, part) in parts.enumerated() where part == .id {
            let next = index + 1 < parts.count ? parts[index + 1] : .literal([])
            let previous = index > body ? parts[index - 1] : .literal([])
            guard case .literal? = next, case .literal? = previous else {
                throw AuthenticationError(
                    .badForm,
                    "text must stand between {id} and what is next to it, or the sender could move its end, as in {id}.{body}")
            }
        }
    }

    /// It is the body and nothing else.
    var isBodyAlone: Bool { before.isEmpty && after.isEmpty }
    var hasTimestamp: Bool { before.contains(.timestamp) || after.contains(.timestamp) }
    var hasID: Bool { before.contains(.id) || after.contains(.id) }

    /// Bytes that an id must not have, because they say where it ends or, behind the body, where it begins.
    var idEnds: [UInt8] {
        var ends: [UInt8] = []
        for (parts, isBehind) in [(before, false), (after, true)] {
            for (part, next) in zip(parts, parts.dropFirst()) {
                if part == .id, case .literal(let text) = next, let end = text.first { ends.append(end) }
                if isBehind, next == .id, case .literal(let text) = part, let end = text.last { ends.append(end) }
            }
        }
        return ends
    }

    /// What is signed before the body, and behind it.
    func around(id: some Collection<UInt8>, timestamp: some Collection<UInt8>) -> (prefix: [UInt8], suffix: [UInt8]) {
        func bytes(_ parts: [Part]) -> [UInt8] {
            var bytes: [UInt8] = []
            for part in parts {
                switch part {
                case .literal(let text): bytes += text
                case .timestamp: bytes += timestamp
                case .id: bytes += id
                }
            }
            return bytes
        }
        return isBodyAlone ? ([], []) : (bytes(before), bytes(after))
    }
}

/// A time in a header: whole Unix seconds without sign or leading zeros, so that one time has one text.
struct SignedTime {
    let text: ArraySlice<UInt8>
    let seconds: Int64

    /// Digits that a time may have: 12 reach beyond the year 30000.
    static let maximumDigits = 12

    init?(_ text: ArraySlice<UInt8>) {
        guard let first = text.first, text.count <= Self.maximumDigits, first != 0x30,
            text.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        self.text = text
        seconds = text.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
}

extension WebhookScheme {
    /// The time in `text`, when it is not further from now than the tolerance, in either direction.
    func time(
        _ text: ArraySlice<UInt8>, in header: String, now: Int64, tolerance: Int64
    ) throws(WebhookRefusal) -> SignedTime {
        guard let time = SignedTime(text) else { throw refusal(.malformed, "\(header) has no time in whole Unix seconds") }
        guard now - time.seconds <= tolerance else {
            throw refusal(.time, "\(header) is older than the \(tolerance) s that are tolerated")
        }
        guard time.seconds - now <= tolerance else {
            throw refusal(.time, "\(header) is further ahead than the \(tolerance) s that are tolerated; compare both clocks")
        }
        return time
    }

    /// An id of visible ASCII characters, without those that would say where it ends.
    func identifier(
        _ header: String, in head: some DeliveryHead, without ends: [UInt8]
    ) throws(WebhookRefusal) -> ArraySlice<UInt8> {
        let id = try single(header, in: head)
        guard id.count <= SignatureLimits.identifier, id.allSatisfy({ (0x21...0x7e).contains($0) && !ends.contains($0) }) else {
            throw refusal(.malformed, "\(header) has no id of at most \(SignatureLimits.identifier) characters")
        }
        return id
    }
}
