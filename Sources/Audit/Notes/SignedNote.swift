public import Authentication

/// A text with signatures under it. Source: C2SP signed-note, https://c2sp.org/signed-note
public struct SignedNote: Sendable, Equatable {
    /// Bytes of the longest note that is looked at.
    public static let maximumLength = 64 * 1024
    /// Signatures under one note, at most.
    public static let maximumSignatures = 16

    /// With which a line below the text begins.
    static let signatureMark = Array("— ".utf8)

    /// A line below the text.
    public struct Signature: Sendable, Equatable {
        /// Of the key.
        public let name: String
        /// 4 bytes that say which key of that name.
        public let id: [UInt8]
        /// Over the text.
        public let bytes: [UInt8]
    }

    /// What is signed, its last newline included. Not to be believed before ``verify(_:)``.
    public let text: String
    /// In their order.
    public let signatures: [Signature]

    /// Signs `text`, which must end in a newline.
    ///
    /// - Throws: ``AuditError`` when OpenSSL fails.
    public init(_ text: String, by signer: NoteKey, with key: Ed25519PrivateKey) throws(AuditError) {
        self.text = text
        do {
            signatures = [Signature(name: signer.name, id: signer.id, bytes: try key.sign(Array(text.utf8)))]
        } catch {
            throw AuditError("a note cannot be signed: \(error)")
        }
    }

    /// Reads a note.
    ///
    /// - Throws: ``AuditError`` saying what is not as the form demands it.
    public init(_ bytes: some Collection<UInt8>) throws(AuditError) {
        guard bytes.count <= Self.maximumLength else { throw AuditError("a note of \(bytes.count) bytes") }
        guard let whole = String(validating: bytes, as: UTF8.self) else { throw AuditError("a note that is no UTF-8") }
        guard whole.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x0a }) else { throw AuditError("a note with control characters") }
        var lines = whole.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).map(Substring.init)
        guard lines.popLast() == "" else { throw AuditError("a note that does not end in a newline") }
        guard let blank = lines.lastIndex(of: ""), blank > 0 else { throw AuditError("a note without signatures") }
        let below = lines[(blank + 1)...]
        guard (1...Self.maximumSignatures).contains(below.count) else {
            throw AuditError("a note with \(below.count) signatures, expected 1 to \(Self.maximumSignatures)")
        }
        text = lines[..<blank].map { "\($0)\n" }.joined()
        var signatures: [Signature] = []
        for line in below { signatures.append(try Self.signature(line)) }
        self.signatures = signatures
        guard self.bytes.elementsEqual(bytes) else { throw AuditError("a note that is not written as notes are") }
    }

    private static func signature(_ line: Substring) throws(AuditError) -> Signature {
        let parts = line.utf8.split(separator: 0x20, omittingEmptySubsequences: false).map(Substring.init)
        guard parts.count == 3, parts[0] == "—", !parts[1].isEmpty, let bytes = Base64.decode(parts[2].utf8), bytes.count > 4
        else { throw AuditError("a line below a note that is no signature") }
        return Signature(name: String(parts[1]), id: Array(bytes.prefix(4)), bytes: Array(bytes.dropFirst(4)))
    }

    /// The note as it is stored and sent.
    public var bytes: [UInt8] {
        let lines = signatures.map { "— \($0.name) \(Base64.encode($0.id + $0.bytes))\n" }
        return Array((text + "\n" + lines.joined()).utf8)
    }

    /// True when one of `keys` has signed it. A signature of one of them that is not good spoils the note; others are left out.
    public func verify(_ keys: [NoteKey]) -> Bool {
        var isSigned = false
        for signature in signatures {
            for key in keys where key.name.utf8.elementsEqual(signature.name.utf8) && key.id == signature.id {
                guard key.key.verify(signature: signature.bytes, of: Array(text.utf8)) else { return false }
                isSigned = true
            }
        }
        return isSigned
    }
}
