internal import Glibc
internal import JobProtocol
internal import ProtocolMessages

/// The worker's end of the executor's private socket. Never blocks; what does not fit is kept, within a limit.
final class ExecutorSocket {
    /// Bytes that may wait to be written; beyond it output of running commands is dropped (the result still has its share). What is said of
    /// other commands waits behind them.
    static let maximumOutbox = 256 * 1024

    let descriptor: Int32
    private var outbox: [UInt8] = []
    /// Bytes of the outbox that the kernel has.
    private var written = 0
    /// Bytes of all frames so far, and of those that the kernel has.
    private(set) var said: UInt64 = 0
    private(set) var taken: UInt64 = 0
    private var inbox = FrameBuffer()

    /// How long the executor may take to listen after the supervisor has started both, in milliseconds.
    static let patience = 5_000

    /// Connects and checks that the listener runs as this process's own user.
    init(path: String) throws {
        descriptor = try Self.connect(path)
        let peer = try UnixSocket.peer(of: descriptor)
        guard peer.uid == geteuid() else { throw WorkerFailure("\(path): uid \(peer.uid) listens there, expected \(geteuid())") }
        let flags = fcntl(descriptor, F_GETFL)
        guard fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw WorkerFailure("\(path): cannot be made non-blocking")
        }
    }

    private static func connect(_ path: String) throws -> Int32 {
        let deadline = Monotonic.now() + patience
        while true {
            do throws(SocketError) {
                return try UnixSocket.connect(path: path)
            } catch {
                guard error.errno == ENOENT || error.errno == ECONNREFUSED, Monotonic.now() < deadline else { throw error }
            }
            usleep(10_000)
        }
    }

    deinit { close(descriptor) }

    var isFlushed: Bool { outbox.count == written }
    var isFull: Bool { outbox.count - written > Self.maximumOutbox }
    var events: Int16 { isFlushed ? Int16(POLLIN) : Int16(POLLIN) | Int16(POLLOUT) }

    /// Keeps a frame for the next ``flush()``.
    func send(_ frame: WireWorkerFrame) throws {
        let bytes = try Frames.encode(frame)
        outbox += bytes
        said += UInt64(bytes.count)
    }

    /// Hands to the kernel what it takes; false when the executor is gone.
    func flush() -> Bool {
        while written < outbox.count {
            let count = unsafe outbox.withUnsafeBytes { all in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: all[written...])
                return unsafe Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EAGAIN { break }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
            taken += UInt64(count)
        }
        if isFlushed || written > Self.maximumOutbox {
            outbox.removeFirst(written)
            written = 0
        }
        return true
    }

    /// The frames that have come; nil when the executor has closed.
    func receive() throws -> [WireWorkerFrame.OneOf_Kind]? {
        var frames: [WireWorkerFrame.OneOf_Kind] = []
        while true {
            var code = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
                code = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
                count = max(0, code)
            }
            if code == 0 { return nil }
            if code < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN ? frames : nil
            }
            inbox.append(bytes)
            while let payload = try inbox.next() { frames.append(try Frames.decodeWorkerFrame(payload)) }
        }
    }
}

/// Why the worker ends.
public struct WorkerFailure: Error, CustomStringConvertible {
    /// For people.
    public let description: String
    init(_ description: String) { self.description = description }
}
