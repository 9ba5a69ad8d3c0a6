internal import JobProtocol
internal import ProtocolMessages

/// The last output of a running job, so that whoever begins to watch late or reads slowly misses little. What falls out is gone; the
/// result has its own head and tail.
struct OutputTail {
    /// What the pieces of one job that are kept may cost (``WatchLimits/cost(ofBytes:)``).
    static let limit = 64 * 1024

    /// Bytes of one stream of one destination.
    struct Piece: Equatable {
        let destination: String
        let stream: WireStream
        /// Bytes of the job's output before this.
        let position: UInt64
        var data: [UInt8]

        var end: UInt64 { position + UInt64(data.count) }
    }

    /// Bytes of output the job has had.
    private(set) var position: UInt64 = 0
    private var pieces: [Piece] = []
    private var cost = 0

    /// Adds what came, and drops the oldest beyond the limit.
    mutating func append(_ destination: String, _ stream: WireStream, _ data: [UInt8]) {
        for start in stride(from: 0, to: data.count, by: Frames.maximumChunk) {
            add(destination, stream, data[start..<min(start + Frames.maximumChunk, data.count)])
        }
        var gone = 0
        while cost > Self.limit, gone < pieces.count {
            cost -= WatchLimits.cost(ofBytes: pieces[gone].data.count)
            gone += 1
        }
        pieces.removeFirst(gone)
    }

    private mutating func add(_ destination: String, _ stream: WireStream, _ data: ArraySlice<UInt8>) {
        if let last = pieces.last, last.destination == destination, last.stream == stream,
            last.data.count + data.count <= Self.merged
        {
            pieces[pieces.count - 1].data.append(contentsOf: data)
            cost += data.count
        } else {
            pieces.append(Piece(destination: destination, stream: stream, position: position, data: Array(data)))
            cost += WatchLimits.cost(ofBytes: data.count)
        }
        position += UInt64(data.count)
    }

    /// Small pieces grow together up to this.
    private static let merged = 4 * 1024

    /// The first bytes that are kept at or after `position`, at most `limit` of them; nil when there are none.
    func piece(at position: UInt64, limit: Int) -> Piece? {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].end > position { high = middle } else { low = middle + 1 }
        }
        guard limit > 0, low < pieces.count else { return nil }
        let piece = pieces[low]
        let begun = max(position, piece.position)
        let data = piece.data.dropFirst(Int(begun - piece.position)).prefix(limit)
        return Piece(destination: piece.destination, stream: piece.stream, position: begun, data: Array(data))
    }
}
