/// Keeps the head and the tail of a stream within a limit and counts the rest.
struct OutputCollector {
    /// Bytes of the mark that stands where something was cut.
    static let markRoom = 48

    private let headLimit: Int
    private let tailLimit: Int
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private var tailStart = 0
    /// Bytes the stream had in all.
    private(set) var total = 0

    /// Keeps at most `limit` bytes, the mark included.
    init(limit: Int) {
        let kept = max(0, limit - Self.markRoom)
        headLimit = kept / 2
        tailLimit = limit - headLimit
    }

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        total += bytes.count
        let toHead = bytes.prefix(headLimit - head.count)
        head.append(contentsOf: toHead)
        for byte in bytes.dropFirst(toHead.count).suffix(tailLimit) {
            if tail.count < tailLimit {
                tail.append(byte)
            } else if tailLimit > 0 {
                tail[tailStart] = byte
                tailStart = (tailStart + 1) % tailLimit
            }
        }
        // Bytes that were skipped by `suffix` leave the ring as it would be had they passed through it.
    }

    /// What is kept; where something was cut a line says how much.
    var bytes: [UInt8] {
        let ordered = Array(tail[tailStart...] + tail[..<tailStart])
        guard total > head.count + ordered.count else { return head + ordered }
        let keptTail = ordered.suffix(max(0, tailLimit - Self.markRoom))
        let cut = total - head.count - keptTail.count
        return head + Array("\n[… \(cut) bytes cut …]\n".utf8) + keptTail
    }
}
