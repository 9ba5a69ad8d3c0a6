import Authentication

/// A head made by hand.
struct SampleHead: DeliveryHead {
    var headers: [(name: String, value: String)]
    var pathSecret: String?
    var clientCertificate: ClientCertificate?

    init(_ headers: [(name: String, value: String)] = [], pathSecret: String? = nil) {
        self.headers = headers
        self.pathSecret = pathSecret
    }

    init(_ parts: SignedParts) { self.init(parts.headers, pathSecret: parts.pathSecret) }

    func values(of header: String) -> [String] {
        headers.filter { $0.name.lowercased() == header.lowercased() }.map(\.value)
    }

    func without(_ name: String) -> SampleHead {
        SampleHead(headers.filter { $0.name.lowercased() != name.lowercased() }, pathSecret: pathSecret)
    }

    func with(_ name: String, _ value: String) -> SampleHead {
        SampleHead(without(name).headers + [(name, value)], pathSecret: pathSecret)
    }

    func adding(_ name: String, _ value: String) -> SampleHead {
        SampleHead(headers + [(name, value)], pathSecret: pathSecret)
    }
}

/// How far a delivery got.
enum Outcome: Equatable {
    case valid
    /// Refused before the body.
    case atHead(WebhookRefusal.Reason)
    /// Refused once the body was there.
    case atEnd(WebhookRefusal.Reason)

    var reason: WebhookRefusal.Reason? {
        switch self {
        case .valid: nil
        case .atHead(let reason), .atEnd(let reason): reason
        }
    }
}

extension Verification {
    /// One delivery whose body comes in `pieces`.
    func outcome(_ head: SampleHead, _ pieces: [ArraySlice<UInt8>], now: Int64) -> Outcome {
        let check: DeliveryCheck
        do throws(WebhookRefusal) {
            check = try begin(head, now: now)
        } catch {
            return .atHead(error.reason)
        }
        for piece in pieces { check.update(piece) }
        do throws(WebhookRefusal) {
            try check.finish(body: pieces.flatMap { $0 })
            return .valid
        } catch {
            return .atEnd(error.reason)
        }
    }

    func outcome(_ head: SampleHead, _ body: String, now: Int64 = 0) -> Outcome {
        outcome(head, [Array(body.utf8)[...]], now: now)
    }

    /// The refusal of a delivery.
    func refusal(_ head: SampleHead, _ body: String = "", now: Int64 = 0) -> WebhookRefusal? {
        do throws(WebhookRefusal) {
            let check = try begin(head, now: now)
            check.update(Array(body.utf8))
            try check.finish(body: Array(body.utf8))
            return nil
        } catch {
            return error
        }
    }
}

extension WebhookScheme {
    func outcome(_ head: SampleHead, _ body: String, now: Int64 = 0) -> Outcome {
        Verification.scheme(self).outcome(head, body, now: now)
    }

    func outcome(_ head: SampleHead, _ body: [UInt8], now: Int64 = 0) -> Outcome {
        Verification.scheme(self).outcome(head, [body[...]], now: now)
    }
}
