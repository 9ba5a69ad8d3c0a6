import Glibc
import JobProtocol
import ProtocolMessages

/// Asks the executor over its admin socket; blocking, one question at a time.
struct AdminClient {
    let path: String
    /// Seconds that the executor may leave one step without an answer; nil for as long as it takes.
    var patience: Int?

    /// The records of the answer, in order.
    ///
    /// - Throws: ``CommandFailure`` when the socket, the executor or the question is at fault.
    func ask(_ request: WireAdminRequest) throws -> [WireJobRecord] {
        var records: [WireJobRecord] = []
        try ask(request) { if case .job(let job) = $0 { records.append(job) } }
        return records
    }

    /// Hands on each part of the answer as it comes.
    ///
    /// - Throws: as the other.
    func ask(_ request: WireAdminRequest, _ take: (WireAdminResponse.OneOf_Kind) -> Void) throws {
        let descriptor: Int32
        do throws(SocketError) {
            descriptor = try UnixSocket.connect(path: path)
        } catch {
            throw CommandFailure(
                "\(error); is the executor running, and may this user reach its admin socket? --socket says where it is",
                code: .unavailable)
        }
        defer { close(descriptor) }
        if let patience {
            var time = timeval(tv_sec: patience, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
            }
        }
        try write(try Frames.encode(request), to: descriptor)
        var buffer = FrameBuffer()
        while true {
            while let payload = try buffer.next() {
                switch try Frames.decodeAdminResponse(payload) {
                case .end: return
                case .error(let error): throw CommandFailure(error.message, code: .failed)
                case let part: take(part)
                }
            }
            buffer.append(try read(descriptor))
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw CommandFailure("admin socket \(path): write failed", code: .unavailable) }
            rest = rest.dropFirst(count)
        }
    }

    private func read(_ descriptor: Int32) throws -> [UInt8] {
        errno = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 16 * 1024) { buffer, count in
            unsafe count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
        }
        if let patience, bytes.isEmpty, errno == EAGAIN {
            throw CommandFailure("admin socket \(path): no answer within \(patience) s", code: .unavailable)
        }
        guard !bytes.isEmpty else {
            throw CommandFailure("admin socket \(path): the executor closed the connection; see its log", code: .unavailable)
        }
        return bytes
    }
}
