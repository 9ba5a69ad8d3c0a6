internal import JSON

/// An event at its place in the log. Its bytes are one line of compact JSON, without the newline: `index`, `time`, `kind`, then the
/// fields. They are what the tree's leaf is the hash of; nothing is serialised again.
public struct AuditRecord: Sendable, Equatable {
    /// Bytes of the longest line.
    public static let maximumLength = 128 * 1024
    private static let limits = JSONLimits(depth: 2, values: 64)

    /// From 0, without a gap.
    public let index: UInt64
    /// What happened.
    public let event: AuditEvent

    /// An event that gets that place.
    public init(index: UInt64, event: AuditEvent) {
        self.index = index
        self.event = event
    }

    /// Reads a line and accepts only what ``bytes`` would have written.
    ///
    /// - Throws: ``AuditError`` when it is something else.
    public init(_ line: some Collection<UInt8>) throws(AuditError) {
        guard let object = (try? JSONValue.parse(line, limits: Self.limits))?.object, object.members.count >= 3,
            object.members[0].name == "index", let index = object["index"]?.number?.int64, index >= 0,
            let time = object["time"]?.number?.int64, let kind = object["kind"]?.string
        else { throw AuditError("not a record: expected an object with index, time and kind") }
        self.init(
            index: UInt64(index),
            event: AuditEvent(kind: kind, time: time, fields: JSONObject(Array(object.members.dropFirst(3)))))
        guard bytes.elementsEqual(line) else { throw AuditError("not a record as it was written") }
    }

    /// How the line of a record with that place begins. Who holds the hash of the whole need not read more of it.
    public static func opening(_ index: UInt64) -> [UInt8] { Array("{\"index\":\(index),".utf8) }

    /// The line, without its newline.
    public var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("index")
        writer.int(Int64(clamping: index))
        writer.name("time")
        writer.int(event.time)
        writer.name("kind")
        writer.string(event.kind)
        for member in event.fields.members {
            writer.name(member.name)
            writer.value(member.value)
        }
        writer.endObject()
        return writer.bytes
    }
}
