internal import Authentication
internal import JobProtocol
internal import JobTransport
internal import NIOCore
internal import NIOPosix
internal import Settings
internal import Synchronization

/// Asks ssh-agents, each time on a connection of its own. What an agent says is checked as if it were hostile: who it is, how long its
/// answer is before any of it is kept, how long it takes, and whether the signature is the key's.
final class AgentClient: Sendable {
    /// Questions that may wait for their answer; one more is refused.
    static let maximumWaiting = 64

    private let group: any EventLoopGroup
    private let allowed: Set<UInt32>
    private let waiting = Atomic(0)

    /// - Parameter allowed: uids that an agent may have; root, or this process's own.
    init(group: any EventLoopGroup, allowed: Set<UInt32> = [0, ownUID()]) {
        self.group = group
        self.allowed = allowed
    }

    /// A signature over `data`, verified with the key, without the algorithm's name in front.
    func sign(_ data: [UInt8], with key: SSHPublicKey, at place: SSHAgentPlace) async throws(AgentError) -> [UInt8] {
        let answer: [UInt8]
        do {
            answer = try await ask(SSHAgentMessage.signRequest(key: key.blob, data: data), place).get()
        } catch {
            throw AgentError.of(error, place)
        }
        let signature: [UInt8]?
        do throws(AuthenticationError) {
            signature = try SSHAgentMessage.signature(in: answer)
        } catch {
            throw AgentError(place, "\(error); it is no ssh-agent, or a broken one")
        }
        guard let signature else { throw AgentError.declines(place, key) }
        guard let good = key.signature(signature, of: data) else { throw AgentError.wrongSignature(place, key) }
        return good
    }

    /// The keys it has. Blocks; never on an event loop.
    func keys(at place: SSHAgentPlace) throws(AgentError) -> [[UInt8]] {
        do {
            return try SSHAgentMessage.keys(in: try ask(SSHAgentMessage.listRequest, place).wait())
        } catch {
            throw AgentError.of(error, place)
        }
    }

    private func ask(_ request: [UInt8], _ place: SSHAgentPlace) -> EventLoopFuture<[UInt8]> {
        let loop = group.next()
        guard waiting.add(1, ordering: .relaxed).newValue <= Self.maximumWaiting else {
            waiting.subtract(1, ordering: .relaxed)
            return loop.makeFailedFuture(AgentError.busy(place))
        }
        let answer = loop.makePromise(of: [UInt8].self)
        let clock = loop.scheduleTask(in: TimeAmount(place.timeout)) { answer.fail(AgentError.late(place)) }
        answer.futureResult.whenComplete { _ in
            clock.cancel()
            self.waiting.subtract(1, ordering: .relaxed)
        }
        ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AgentAnswer(place, answer))
                }
            }
            .connect(unixDomainSocketPath: place.socket)
            .whenComplete { [allowed] result in
                switch result {
                case .failure(let error): answer.fail(error)
                case .success(let channel):
                    answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
                    PeerCheck.verify(channel, allowed: allowed).whenComplete { peer in
                        switch peer {
                        case .success: channel.writeAndFlush(ByteBuffer(bytes: request), promise: nil)
                        case .failure: answer.fail(AgentError.stranger(place, allowed))
                        }
                    }
                }
            }
        return answer.futureResult
    }
}

/// Reads one answer.
private final class AgentAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let place: SSHAgentPlace
    private let answer: EventLoopPromise<[UInt8]>
    private var bytes = ByteBuffer()

    init(_ place: SSHAgentPlace, _ answer: EventLoopPromise<[UInt8]>) {
        self.place = place
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var more = unwrapInboundIn(data)
        bytes.writeBuffer(&more)
        guard let length = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self) else { return }
        guard (1...SSHAgentMessage.maximumAnswer).contains(Int(length)) else {
            return end(
                context,
                AgentError(place, "it announces an answer of \(length) bytes, the limit is \(SSHAgentMessage.maximumAnswer)"))
        }
        guard bytes.readableBytes >= 4 + Int(length) else { return }
        guard bytes.readableBytes == 4 + Int(length) else {
            return end(context, AgentError(place, "it says more than it was asked"))
        }
        answer.succeed(Array(bytes.readableBytesView.dropFirst(4)))
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(AgentError.closed(place))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(context, AgentError.of(error, place)) }

    private func end(_ context: ChannelHandlerContext, _ error: AgentError) {
        answer.fail(error)
        context.close(promise: nil)
    }
}
