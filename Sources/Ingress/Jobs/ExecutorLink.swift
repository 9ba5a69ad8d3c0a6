internal import JobProtocol
internal import NIOCore
internal import ProtocolMessages
internal import Synchronization

/// A connected executor, after both sides proved who they are.
final class ExecutorLink: Sendable {
    let id: UInt64
    /// Name of its signing key; jobs it accepted are only ever asked of the same one again.
    let keyID: String
    let policyDigest: String
    /// New at each start of it.
    let epoch: [UInt8]
    /// It knows the frames about jobs.
    let answersWatches: Bool
    private let channel: any Channel
    private let creditLimit = Atomic(0)
    private let isAway = Atomic(false)

    init(id: UInt64, peer: ConnectionState.Peer, channel: any Channel) {
        self.id = id
        keyID = peer.keyID
        policyDigest = peer.policyDigest
        epoch = peer.epoch
        answersWatches = peer.answersWatches
        self.channel = channel
    }

    /// Requests the executor lets be unfinished on this connection; 0 until it said so.
    var credit: Int {
        get { creditLimit.load(ordering: .relaxed) }
        set { creditLimit.store(newValue, ordering: .relaxed) }
    }

    /// It says that it cannot reach its journal.
    var journalIsAway: Bool {
        get { isAway.load(ordering: .relaxed) }
        set { isAway.store(newValue, ordering: .relaxed) }
    }

    /// Sends frames that are encoded already, in this order.
    func send(_ frames: [[UInt8]]) {
        for frame in frames.dropLast() { channel.write(ByteBuffer(bytes: frame), promise: nil) }
        if let last = frames.last { channel.writeAndFlush(ByteBuffer(bytes: last), promise: nil) }
    }

    /// Sends a frame a little later, in the order of the calls: the caller may hold a lock that the end of this connection asks for.
    func post(_ frame: WireFrame) {
        channel.eventLoop.execute {
            do {
                self.send([try Frames.encode(frame)])
            } catch {
                self.close()
            }
        }
    }

    func close() { channel.close(promise: nil) }
}
