internal import Authentication

/// How far a reader has come in a job's output: what stands in the `id` of an event, and comes back in `Last-Event-ID`.
///
/// The position counts bytes of output within one run of one executor; the tag tells runs apart, so that a place in another one's output
/// is never mistaken for one in this.
struct EventPlace: Equatable, Sendable {
    /// From the executor's epoch: 8 hexadecimal digits.
    let tag: String
    var position: UInt64

    /// The beginning of what the executor of that epoch has to tell.
    init(epoch: [UInt8]) {
        tag = Hex.encode(Array(epoch.prefix(4)))
        position = 0
    }

    /// Reads an event's id; nil when it is none of ours.
    init?(id: String) {
        let parts = id.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 8, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let position = UInt64(parts[1])
        else { return nil }
        tag = String(parts[0])
        self.position = position
    }

    var id: String { "\(tag).\(position)" }
    /// The id of the result, after which there is nothing.
    var finalID: String { tag + Self.finalMark }

    /// The reader has had the result.
    static func isFinal(_ id: String) -> Bool { id.hasSuffix(finalMark) }

    private static let finalMark = ".end"
}
