public import Authentication

/// An Ed25519 key that signs notes under a name. Source: C2SP signed-note, https://c2sp.org/signed-note
public struct NoteKey: Sendable, CustomStringConvertible {
    /// Bytes of the longest name.
    public static let maximumName = 128
    /// Ed25519 in notes.
    static let type: UInt8 = 1

    /// Under which it signs.
    public let name: String
    /// The 4 bytes that say which key of that name it is.
    public let id: [UInt8]
    /// The key.
    public let key: Ed25519PublicKey

    /// - Throws: ``AuditError`` when `name` is none.
    public init(name: String, key: Ed25519PublicKey) throws(AuditError) {
        guard Self.isName(name) else {
            throw AuditError("not a name for signing notes: letters, digits and ./_- , at most \(Self.maximumName)")
        }
        self.name = name
        self.key = key
        id = Array(SHA256.hash(Array(name.utf8) + [0x0a, Self.type] + key.raw).prefix(4))
    }

    /// Reads the form `name+id+key`.
    ///
    /// - Throws: ``AuditError`` saying what is wrong.
    public init(text: String) throws(AuditError) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.decode(parts[2].utf8), bytes.count == 33, bytes[0] == Self.type else {
            throw AuditError("not a key for notes: expected name+id+key with a key of type 1, Ed25519")
        }
        let key: Ed25519PublicKey
        do { key = try Ed25519PublicKey(raw: Array(bytes.dropFirst())) } catch { throw AuditError("\(error)") }
        try self.init(name: String(parts[0]), key: key)
        guard Hex.encode(id) == parts[1] else { throw AuditError("the id in the key for notes is not that of its name and key") }
    }

    /// The form `name+id+key`.
    public var description: String { "\(name)+\(Hex.encode(id))+\(Base64.encode([Self.type] + key.raw))" }

    /// What may stand as a name, and as the origin of a log: nothing that ends a line or could begin another signed message of ours.
    public static func isName(_ text: String) -> Bool {
        (1...maximumName).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "_"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
