public import Authentication

/// What the executor vouches for: its log had this size and this root. Source: C2SP tlog-checkpoint, https://c2sp.org/tlog-checkpoint
public struct Checkpoint: Sendable, Equatable {
    /// Names the log.
    public let origin: String
    /// Records.
    public let size: UInt64
    /// The root of the tree over them.
    public let root: MerkleHash

    /// A checkpoint to be signed.
    public init(origin: String, size: UInt64, root: MerkleHash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads the text of a note; a text with extension lines is refused.
    ///
    /// - Throws: ``AuditError`` when it is no checkpoint.
    public init(text: String) throws(AuditError) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4, lines[3].isEmpty, NoteKey.isName(String(lines[0])), let size = UInt64(lines[1]),
            String(size) == lines[1], size <= UInt64(Int64.max),
            let root = Base64.decode(lines[2].utf8).flatMap({ MerkleHash($0) })
        else { throw AuditError("a note that is no checkpoint: expected origin, size and root") }
        self.init(origin: String(lines[0]), size: size, root: root)
    }

    /// The text of its note.
    public var text: String { "\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n" }

    /// The note, signed under the log's origin.
    public func signed(with key: Ed25519PrivateKey) throws(AuditError) -> SignedNote {
        try SignedNote(text, by: NoteKey(name: origin, key: key.publicKey), with: key)
    }
}

/// Whose checkpoints are believed.
public struct CheckpointTrust: Sendable {
    private let keys: [Ed25519PublicKey]
    private let named: [NoteKey]

    /// - Parameters:
    ///   - keys: believed under whatever origin they sign.
    ///   - named: believed under their name alone.
    public init(keys: [Ed25519PublicKey] = [], named: [NoteKey] = []) {
        self.keys = keys
        self.named = named
    }

    /// The checkpoint in a note.
    ///
    /// - Throws: ``AuditError`` when it is none, or nobody who is believed has signed it under its own origin.
    public func open(_ note: SignedNote) throws(AuditError) -> Checkpoint {
        let checkpoint = try Checkpoint(text: note.text)
        var trusted = named.filter { $0.name == checkpoint.origin }
        for key in keys { trusted.append(try NoteKey(name: checkpoint.origin, key: key)) }
        guard note.verify(trusted) else {
            throw AuditError(
                "the checkpoint of \(checkpoint.size) records is not signed by the key that was given; if the executor's key was "
                    + "replaced, give the older one too")
        }
        return checkpoint
    }
}
