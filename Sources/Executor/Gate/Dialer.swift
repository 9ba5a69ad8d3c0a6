internal import Authentication
internal import JobProtocol
internal import JobTransport
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ProtocolMessages
internal import SwiftProtobuf
internal import Synchronization

/// Keeps one connection to one ingress: dials, and dials again with back-off for as long as the executor lives.
final class Dialer: Sendable {
    /// Wait after the first failure, doubled up to the second figure; each with jitter of up to a half.
    static let backoff = (first: Duration.milliseconds(50), maximum: Duration.seconds(3))

    /// A connection that lasted this long ends the back-off.
    static let steady = Duration.seconds(1)

    private let ingress: IngressPeer
    private let identity: ConnectionState.Identity
    private let keyID: String
    private let key: Ed25519PrivateKey
    private let service: JobService
    private let metrics: ExecutorMetrics
    private let group: any EventLoopGroup
    private let logger: Logger
    /// The connection that stands.
    private struct Open {
        let at: Int64
        let keyID: String
        let sink: LinkSink
    }

    private let open = Mutex<Open?>(nil)

    init(
        ingress: IngressPeer, identity: ConnectionState.Identity, keyID: String, key: Ed25519PrivateKey, service: JobService,
        metrics: ExecutorMetrics, group: any EventLoopGroup, logger: Logger
    ) {
        self.ingress = ingress
        self.identity = identity
        self.keyID = keyID
        self.key = key
        self.service = service
        self.metrics = metrics
        self.group = group
        self.logger = logger
    }

    /// The handshake is done and the connection stands.
    var isConnected: Bool { open.withLock { $0 != nil } }

    /// How the connection is.
    var status: WireIngressStatus {
        open.withLock { open in
            .with {
                $0.name = ingress.name
                $0.connectedAtMs = open?.at ?? 0
                $0.keyID = open?.keyID ?? ""
                $0.inFlight = UInt32(clamping: open?.sink.credit.count ?? 0)
            }
        }
    }

    /// Tells the ingress that the journal is away, or is there again.
    func tell(journalIsAway: Bool) { open.withLock { $0?.sink }?.tellCredit(journalIsAway: journalIsAway) }

    /// Dials until the task is cancelled.
    func run() async {
        var wait = Self.backoff.first
        var lastError = ""
        while !Task.isCancelled {
            do {
                let channel = try await connect()
                let begun = ContinuousClock.now
                try? await channel.closeFuture.get()
                if open.withLock({ open in
                    defer { open = nil }
                    return open != nil
                }) {
                    // One that the ingress ends at once is no success: it may not trust this side's key.
                    if ContinuousClock.now - begun > Self.steady { wait = Self.backoff.first }
                    lastError = ""
                    logger.warning("ingress is gone", metadata: ["ingress": "\(ingress.name)"])
                } else {
                    throw DialError.endedEarly
                }
            } catch  where "\(error)" != lastError {
                // Once for each new reason: an ingress that is away for an hour fills no log.
                lastError = "\(error)"
                logger.warning(
                    "cannot reach the ingress; trying again",
                    metadata: ["ingress": "\(ingress.name)", "socket": "\(ingress.socket)", "error": "\(error)"])
            } catch {}
            try? await Task.sleep(for: wait * Double.random(in: 0.5...1))
            wait = min(wait * 2, Self.backoff.maximum)
        }
    }

    /// With the policy of now.
    private var identityNow: ConnectionState.Identity {
        var identity = identity
        identity.policyDigest = service.rules.now.policy.digest
        return identity
    }

    private func connect() async throws -> any Channel {
        try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let credit = LinkCredit()
                    let sink = LinkSink(
                        channel: channel, keyID: self.keyID, key: self.key, credit: credit, logger: self.logger)
                    let (logger, name) = (self.logger, self.ingress.name)
                    let pulse = PulseHandler {
                        logger.warning(
                            "the ingress's connection is given up", metadata: ["ingress": "\(name)", "reason": "\($0)"])
                    }
                    let link = JobLink(
                        ingress: self.ingress, identity: self.identityNow, service: self.service, sink: sink, pulse: pulse,
                        metrics: self.metrics, logger: logger
                    ) { keyID in self.open.withLock { $0 = Open(at: WallClock.now(), keyID: keyID, sink: sink) } }
                    try channel.pipeline.syncOperations.addHandlers([pulse, link])
                }
            }
            .connect(unixDomainSocketPath: ingress.socket).get()
    }
}

/// Why a connection came to nothing, where the system says nothing of it.
enum DialError: Error, CustomStringConvertible {
    case endedEarly

    /// What a log line shows.
    var description: String { "the connection ended before the ingress had proved itself; see what listens there and its log" }
}
