/// Cuts a byte stream into frames: a `uint32` big-endian length, then that many bytes.
///
/// The length is checked before anything is kept for it. Used on the job, the worker and the admin socket alike.
public struct FrameBuffer: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0

    /// An empty buffer.
    public init() {}

    /// Bytes received and not yet given out; at most one frame and its length after ``next()`` returned nil.
    public var count: Int { bytes.count - start }

    /// Appends what was read from the peer.
    public mutating func append(_ new: some Sequence<UInt8>) {
        if start > 0, start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        }
        bytes.append(contentsOf: new)
    }

    /// The payload of the next whole frame, or nil when more bytes are needed.
    ///
    /// - Throws: ``ProtocolError/Code-swift.struct/frameTooLarge`` or ``ProtocolError/Code-swift.struct/frameEmpty``; the stream cannot be used any more.
    public mutating func next() throws(ProtocolError) -> ArraySlice<UInt8>? {
        guard count >= Frames.lengthBytes else { return nil }
        var length = 0
        for index in start..<start + Frames.lengthBytes { length = length << 8 | Int(bytes[index]) }
        guard length <= Frames.maximumPayload else { throw .frameTooLarge(length) }
        guard length > 0 else { throw .frameEmpty() }
        guard count >= Frames.lengthBytes + length else {
            compact()
            return nil
        }
        let payload = start + Frames.lengthBytes
        start = payload + length
        return bytes[payload..<start]
    }

    private mutating func compact() {
        guard start > 0 else { return }
        bytes.removeSubrange(..<start)
        start = 0
    }
}
