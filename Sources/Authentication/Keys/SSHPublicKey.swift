/// The public half of an SSH user key in wire form, with which signatures are verified: Ed25519 (RFC 8709) or ECDSA (RFC 5656).
public final class SSHPublicKey: Sendable {
    /// Bytes of a key or certificate in wire form, at most.
    public static let maximumBlob = 8 * 1024

    /// As in `ssh-ed25519`.
    public let algorithm: String
    /// In wire form.
    public let blob: [UInt8]
    private let handle: KeyHandle
    private let signature: TokenAlgorithm

    /// Reads wire form, all of it.
    ///
    /// - Throws: ``AuthenticationError`` naming `origin` for another kind of key or for bytes that are none.
    public init(blob: [UInt8], origin: String) throws(AuthenticationError) {
        var reader = SSHReader(blob)
        guard blob.count <= Self.maximumBlob, let algorithm = reader.text(limit: 64) else { throw Self.broken(origin) }
        if algorithm == "ssh-ed25519" {
            guard let raw = reader.string(limit: 32), raw.count == 32, reader.isAtEnd else { throw Self.broken(origin) }
            (handle, signature) = (try KeyData.ed25519(publicKey: raw), .edDSA)
        } else if let curve = SSHCurve.all.first(where: { algorithm == "ecdsa-sha2-\($0.name)" }) {
            guard reader.text(limit: 32) == curve.name, let point = reader.string(limit: 256),
                point.count == 1 + 2 * curve.bytes, point[0] == 4, reader.isAtEnd
            else { throw Self.broken(origin) }
            (handle, signature) = (try KeyData.ellipticCurve(group: curve.openSSL, point: point), curve.algorithm)
        } else {
            throw AuthenticationError(
                .notSupported,
                "\(origin): a key of type \(algorithm.filter { $0.isASCII }.prefix(40).debugDescription) cannot be used here; make one of type ed25519 or ecdsa: "
                    + "ssh-keygen -t ecdsa")
        }
        self.algorithm = algorithm
        self.blob = blob
    }

    /// Reads the one line of a `.pub` file: type, base64, comment.
    public convenience init(line: String, origin: String) throws(AuthenticationError) {
        let (type, blob) = try Self.parts(of: line, origin: origin)
        try self.init(blob: blob, origin: origin)
        guard type == algorithm else { throw Self.broken(origin) }
    }

    /// Type and wire form in such a line.
    static func parts(of text: String, origin: String) throws(AuthenticationError) -> (type: String, blob: [UInt8]) {
        let lines = text.split(whereSeparator: \.isNewline)
        let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard lines.count == 1, words.count > 1, words[1].utf8.count <= 2 * maximumBlob,
            let blob = Base64.decode(words[1].utf8), blob.count <= maximumBlob
        else {
            throw AuthenticationError(.badKey, "\(origin): expected one line as in a .pub file: its type, and base64")
        }
        return (String(words[0]), blob)
    }

    private static func broken(_ origin: String) -> AuthenticationError {
        AuthenticationError(.badKey, "\(origin): no public key in SSH's form, or not all of one")
    }

    /// As `ssh-keygen -l` prints it.
    public var fingerprint: String { Self.fingerprint(blob) }

    static func fingerprint(_ blob: [UInt8]) -> String { "SHA256:" + Base64.encode(SHA256.hash(blob)).prefix { $0 != "=" } }

    /// Checks a signature in SSH's form (RFC 4253 section 6.6), all of it, against this key.
    ///
    /// - Returns: what stands behind the algorithm's name, in the one form it can have; nil when the signature is not this key's.
    public func signature(_ bytes: [UInt8], of message: [UInt8]) -> [UInt8]? {
        var reader = SSHReader(bytes)
        guard reader.text(limit: 64) == algorithm, let inner = reader.string(limit: 512), reader.isAtEnd else { return nil }
        guard let curve = signature.curve else {
            guard inner.count == 64 else { return nil }
            return AsymmetricSignature.verify(inner, of: message, algorithm: signature, key: handle) ? inner : nil
        }
        var numbers = SSHReader(inner)
        guard let r = numbers.number(bytes: curve.bytes), let s = numbers.number(bytes: curve.bytes), numbers.isAtEnd,
            let der = ECDSASignature.der(fromConcatenated: r + s),
            AsymmetricSignature.verify(der, of: message, algorithm: signature, key: handle)
        else { return nil }
        var writer = SSHWriter()
        writer.mpint(r)
        writer.mpint(s)
        return writer.bytes
    }
}

extension SSHReader {
    /// A number that is not negative, padded to `bytes`; nil when it is longer.
    fileprivate mutating func number(bytes: Int) -> [UInt8]? {
        guard let text = string(limit: bytes + 1), let first = text.first, first & 0x80 == 0 else { return nil }
        let digits = text.drop { $0 == 0 }
        guard digits.count <= bytes else { return nil }
        return [UInt8](repeating: 0, count: bytes - digits.count) + digits
    }
}
