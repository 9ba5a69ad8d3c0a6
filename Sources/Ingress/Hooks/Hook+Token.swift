internal import Authentication
internal import JSON
internal import NIOHTTP1

extension Hook {
    /// The caller's token: where it is and what it must say.
    struct Token: Sendable {
        /// Where it may be; in exactly one of them it must be.
        let places: [TokenPlace]
        let verifier: TokenVerifier
        /// Its id (`jti`) is for one delivery: see ``UsedTokens``.
        let once: Bool
        /// Handed to the executor, which verifies it again with its own keys.
        let forward: Bool

        /// What is asked for, in words.
        var summary: String {
            var text = "a valid token in " + places.map(\.description).joined(separator: " or ")
            text += " of " + verifier.issuerNames.joined(separator: " or ")
            if verifier.issuers.allSatisfy(\.requirements.bindsBody) { text += " bound to the body" }
            return once ? text + " for one delivery each" : text
        }
    }

    /// The payload has to be read to know where the token is. A body of none of the hook's forms can hold none; where it is nowhere
    /// else, the delivery is refused for that.
    func looksForToken(inPayloadOf delivery: Delivery) -> Bool {
        guard let token, token.places.contains(where: \.isPayload) else { return false }
        return token.places.count == 1 || payload.takes(delivery)
    }
}

/// A place in a delivery where a token may be.
enum TokenPlace: Sendable, CustomStringConvertible {
    /// A header of one's own. The scheme's name may stand before the token.
    case header(String)
    /// `Authorization: Bearer …` (RFC 6750 section 2.1). Another scheme is somebody else's and no token.
    case authorization
    case payload(JSONPointer, text: String)

    var isPayload: Bool { if case .payload = self { true } else { false } }

    /// As it is told to senders and operators.
    var description: String {
        switch self {
        case .header(let name): "header \(name)"
        case .authorization: "header Authorization"
        case .payload(_, let text): "the payload at \(text)"
        }
    }

    /// The text that stands here, not verified; nil when there is none.
    ///
    /// - Throws: the ``Rejection`` of something that is there twice or is no text.
    func text(in headers: HTTPHeaders, payload: JSONValue?) throws(Rejection) -> String? {
        switch self {
        case .header(let name):
            guard let value = try one(name, of: headers) else { return nil }
            return value.hasPrefix("Bearer ") ? String(value.dropFirst(7)) : value
        case .authorization:
            // RFC 9110 section 11.1: the scheme's case does not matter.
            guard let value = try one("authorization", of: headers), value.prefix(7).lowercased() == "bearer " else {
                return nil
            }
            let token = value.dropFirst(7).drop { $0 == " " }
            return token.isEmpty ? nil : String(token)
        case .payload(let pointer, _):
            guard let value = payload.flatMap({ pointer.value(in: $0) }) else { return nil }
            guard let text = value.string else { throw .token("there is no text in \(self)", reason: "malformed") }
            return text.isEmpty ? nil : text
        }
    }

    private func one(_ name: String, of headers: HTTPHeaders) throws(Rejection) -> String? {
        let values = headers[name]
        guard values.count <= 1 else { throw .token("\(self) is there more than once", reason: "repeated") }
        return values.first.flatMap { $0.isEmpty ? nil : $0 }
    }
}
