import Authentication
import NIOCore
import NIOEmbedded
import ProtocolMessages
import SwiftProtobuf

@testable import Ingress
@testable import JobProtocol

/// Watches with one connected executor, whose frames are made by hand.
final class WatchBench {
    let jobID = Random.uuidV7(milliseconds: Samples.now)
    let key: Ed25519PrivateKey
    let loop = EmbeddedEventLoop()
    let channel: EmbeddedChannel
    let watches: JobWatches
    let metrics: IngressMetrics
    private(set) var link: ExecutorLink
    private var frames: [WireFrame] = []

    init(answersWatches: Bool = true) throws {
        key = try .generate()
        channel = EmbeddedChannel(loop: loop)
        watches = JobWatches(trusted: TrustedKeys(["main": key.publicKey]))
        metrics = try IngressMetrics()
        link = Self.link(1, channel, answersWatches: answersWatches)
        watches.connected(link)
    }

    static func link(
        _ id: UInt64, _ channel: any Channel, keyID: String = "main", epoch: UInt8 = 1, answersWatches: Bool = true
    ) -> ExecutorLink {
        ExecutorLink(
            id: id,
            peer: .init(
                keyID: keyID, epoch: [UInt8](repeating: epoch, count: 16), policyDigest: "", answersWatches: answersWatches),
            channel: channel)
    }

    /// All frames the executor was sent.
    func sent() -> [WireFrame] {
        loop.run()
        while let bytes = try? channel.readOutbound(as: ByteBuffer.self) {
            var buffer = FrameBuffer()
            buffer.append(bytes.readableBytesView)
            while let payload = try? buffer.next(), let kind = try? Frames.decodeJobFrame(payload) {
                frames.append(.with { $0.kind = kind })
            }
        }
        return frames
    }

    /// The number of the newest watch.
    func asked() throws -> UInt64 {
        guard let watch = sent().last(where: { if case .watch? = $0.kind { true } else { false } }) else {
            throw Samples.Missing()
        }
        return watch.watch.watch
    }

    /// Credit given beside the first window.
    func credits() -> Int { sent().reduce(0) { $0 + Int($1.watchCredit.credit) } }

    /// What an executor may say.
    enum Word {
        case state(UInt64, hook: String, status: WireJobStatus = .running)
        case output(UInt64, String, at: UInt64)
        case end(UInt64, WireWatchOutcome)
    }

    func say(_ word: Word, by other: ExecutorLink? = nil, job: String? = nil) throws {
        let link = other ?? link
        let jobID = job ?? jobID
        switch word {
        case .state(let number, let hook, let status):
            try watches.state(
                .with {
                    $0.watch = number
                    $0.jobID = jobID
                    $0.hook = hook
                    $0.status = status
                }, by: link)
        case .output(let number, let text, let position):
            try watches.output(
                .with {
                    $0.watch = number
                    $0.jobID = jobID
                    $0.destination = "web-1"
                    $0.stream = .stdout
                    $0.data = .init(Array(text.utf8))
                    $0.position = position
                }, by: link)
        case .end(let number, let outcome):
            try watches.end(.with { ($0.watch, $0.outcome) = (number, outcome) }, by: link)
        }
        loop.run()
    }

    /// Says the signed result.
    func finish(_ number: UInt64, position: UInt64 = 0, job: String? = nil, with other: Ed25519PrivateKey? = nil) throws {
        let result = WireJobResult.with {
            $0.jobID = job ?? jobID
            $0.originalJobID = job ?? jobID
            $0.status = .succeeded
        }
        let envelope = try Envelope.seal(result.serializedBytes(), as: .jobResult, keyID: "main", key: other ?? key)
        try watches.end(
            .with { ($0.watch, $0.outcome, $0.envelope, $0.position) = (number, .finished, envelope, position) }, by: link)
        loop.run()
    }

    /// The executor is there again, in another process when its epoch is another.
    func reconnect(epoch: UInt8, keepingOld: Bool = false) {
        if !keepingOld { watches.disconnected(link) }
        loop.run()
        link = Self.link(link.id + 1, channel, epoch: epoch)
        watches.connected(link)
        loop.run()
    }
}
