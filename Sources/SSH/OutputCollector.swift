/// Keeps the head and the tail of a stream within a limit and counts the rest.
struct OutputCollector {
    /// Bytes of the mark that stands where something was cut: room for a count of 19 digits.
    static let markRoom = 48

    private let limit: Int
    private var head: [UInt8] = []
    /// At least the last ``tailLimit`` bytes after the head, and at most as many again.
    private var tail: [UInt8] = []
    /// Bytes the stream had in all.
    private(set) var total = 0

    /// Keeps at most `limit` bytes, the mark included; without room for a mark the head alone.
    init(limit: Int) { self.limit = max(0, limit) }

    // What fits is kept whole, so the head may not be cut to its half before it is known that the stream is longer than the limit.
    private var tailLimit: Int { limit }

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        total += bytes.count
        let room = limit - head.count
        head.append(contentsOf: bytes.prefix(room))
        let rest = bytes.dropFirst(room).suffix(tailLimit)
        guard !rest.isEmpty else { return }
        tail.append(contentsOf: rest)
        if tail.count > 2 * tailLimit { tail.removeFirst(tail.count - tailLimit) }
    }

    /// What is kept; where something was cut a line says how much.
    var bytes: [UInt8] {
        guard total > limit else { return head }
        let kept = limit - Self.markRoom
        guard kept > 0 else { return head }
        let first = head.prefix(kept / 2)
        let last = Array((head.dropFirst(first.count) + tail).suffix(kept - first.count))
        return first + Array("\n[… \(total - kept) bytes cut …]\n".utf8) + last
    }
}
