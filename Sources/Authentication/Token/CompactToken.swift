internal import JSON

/// A JSON Web Signature in compact form (RFC 7515 section 7.1), taken apart strictly; nothing of it is believed yet.
struct CompactToken {
    /// Bytes a token may have.
    static let maximumLength = 8 * 1024

    let header: JSONValue
    let payload: [UInt8]
    let signature: [UInt8]
    /// The bytes that were signed.
    let signed: [UInt8]

    init(_ text: String) throws(TokenError) {
        guard text.utf8.count <= Self.maximumLength else {
            throw TokenError(.tooLong, "a token of \(text.utf8.count) bytes, the limit is \(Self.maximumLength)")
        }
        let bytes = Array(text.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw TokenError(.malformed, "a token has three parts, this one \(parts.count)") }
        guard let header = Base64.decodeURL(parts[0]), let payload = Base64.decodeURL(parts[1]),
            let signature = Base64.decodeURL(parts[2])
        else { throw TokenError(.malformed, "a part of the token is not base64url") }
        self.header = try Self.object(header, "header")
        self.payload = payload
        self.signature = signature
        signed = Array(bytes[..<parts[1].endIndex])
    }

    static func object(_ bytes: [UInt8], _ what: String) throws(TokenError) -> JSONValue {
        do throws(JSONError) {
            let value = try JSONValue.parse(bytes, limits: JSONLimits(depth: 16, values: 1000))
            guard value.object != nil else { throw JSONError("no object") }
            return value
        } catch {
            throw TokenError(.malformed, "the token's \(what) is not a JSON object: \(error)")
        }
    }

    /// The algorithm the header names, after everything else in it was found acceptable.
    func algorithm(types: Set<String>) throws(TokenError) -> TokenAlgorithm {
        guard let name = header["alg"]?.string else { throw TokenError(.algorithm, "the token names no algorithm") }
        guard let algorithm = TokenAlgorithm(headerName: name) else {
            throw TokenError(.algorithm, "the token's algorithm is none of those that are accepted")
        }
        // RFC 7515 section 4.1.11: what is critical and not understood refuses the token; nothing critical is understood here.
        guard header["crit"] == nil, header["b64"] == nil else {
            throw TokenError(.malformed, "the token has critical extensions")
        }
        if let type = header["typ"] {
            guard let text = type.string?.lowercased() else { throw TokenError(.malformed, "the token's type is no string") }
            let short = text.hasPrefix("application/") ? String(text.dropFirst(12)) : text
            guard types.contains(short) else { throw TokenError(.malformed, "the token is of another type") }
        }
        return algorithm
    }
}

/// Verifies a token's signature alone, for tools; whether it may be used is ``TokenVerifier``'s question.
public enum TokenSignature {
    /// The `typ` headers that are accepted unless others are asked for: plain tokens and access tokens (RFC 9068). Any other kind
    /// of token of the same issuer, such as one for logging out, means something else and is refused (RFC 8725 section 3.11).
    public static let types: Set<String> = ["jwt", "at+jwt"]

    /// Keys that one token is tried with; a token that more could have signed must name its key.
    public static let maximumTries = 8

    /// The payload of `text`, which one of `keys` has signed. `types` are in lower case, without `application/`.
    ///
    /// A token that names a key is looked at with the keys of that name and those without a name, one that names none with all;
    /// with each only under the key's own algorithm.
    ///
    /// - Throws: ``TokenError`` saying what is wrong.
    public static func payload(
        of text: String, keys: [TokenKey], types: Set<String> = TokenSignature.types
    ) throws(TokenError) -> [UInt8] {
        let token = try CompactToken(text)
        try verify(token, keys: keys, types: types)
        return token.payload
    }

    static func verify(_ token: CompactToken, keys: [TokenKey], types: Set<String>) throws(TokenError) {
        let algorithm = try token.algorithm(types: types)
        let named: String?
        switch token.header["kid"] {
        case nil: named = nil
        case .string(let id): named = id
        default: throw TokenError(.key, "the token's key id is no string")
        }
        let candidates = keys.filter { $0.id == nil || named == nil || $0.id == named }
        guard !candidates.isEmpty else { throw TokenError(.key, "no key of the name the token gives") }
        let fitting = candidates.filter { $0.algorithm == algorithm }
        guard !fitting.isEmpty else {
            throw TokenError(.algorithm, "the token says \(algorithm.rawValue), which is not the algorithm of the key")
        }
        guard fitting.count <= maximumTries else {
            throw TokenError(
                .key, "\(fitting.count) keys could have signed the token, the limit is \(maximumTries); name its key")
        }
        guard fitting.contains(where: { $0.verifies(token.signature, of: token.signed) }) else {
            throw TokenError(.signature, "the token's signature does not verify")
        }
    }
}
