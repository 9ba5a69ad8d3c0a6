internal import Authentication
internal import JSON

/// One file of the log: a head, then the records from ``first`` on, a line each.
///
/// The head tells the tree over everything before, so that older files may be kept elsewhere.
public struct AuditSegment: Sendable, Equatable {
    /// What files are called: the number of their first record in 20 digits, and this.
    public static let ending = ".audit"
    private static let form = "sallyport-audit-1"

    /// Names the log.
    public let origin: String
    /// The tree over all records before.
    public let before: MerkleFrontier

    /// The first record.
    public var first: UInt64 { before.size }

    /// The file that follows on those records.
    public init(origin: String, before: MerkleFrontier) {
        self.origin = origin
        self.before = before
    }

    /// Reads a head, without its newline.
    ///
    /// - Throws: ``AuditError`` when it is something else.
    public init(_ line: some Collection<UInt8>) throws(AuditError) {
        guard let object = try? JSONValue.parse(line), object["form"]?.string == Self.form, let origin = object["origin"]?.string,
            NoteKey.isName(origin), let first = object["first"]?.number?.int64, first >= 0, let texts = object["subtrees"]?.array
        else { throw AuditError("not the head of an audit file of this version") }
        let subtrees = texts.compactMap { $0.string.flatMap { Base64.decode($0.utf8) }.flatMap { MerkleHash($0) } }
        guard let before = MerkleFrontier(size: UInt64(first), subtrees: subtrees) else {
            throw AuditError("the head of an audit file whose subtrees are not those of \(first) records")
        }
        self.init(origin: origin, before: before)
        guard head.elementsEqual(line) else { throw AuditError("the head of an audit file is not as it was written") }
    }

    /// The head, without its newline.
    public var head: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("form")
        writer.string(Self.form)
        writer.name("origin")
        writer.string(origin)
        writer.name("first")
        writer.int(Int64(clamping: first))
        writer.name("subtrees")
        writer.beginArray()
        for subtree in before.subtrees { writer.string(Base64.encode(subtree.bytes)) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// What the file is called.
    public var name: String { Self.name(first: first) }

    /// What the file with that first record is called.
    public static func name(first: UInt64) -> String {
        let digits = String(first)
        return String(repeating: "0", count: 20 - digits.count) + digits + ending
    }

    /// The first record of a file of that name; nil when it is no file of the log.
    public static func first(ofName name: String) -> UInt64? {
        guard name.hasSuffix(ending), let first = UInt64(name.dropLast(ending.count)), Self.name(first: first) == name else {
            return nil
        }
        return first
    }
}
