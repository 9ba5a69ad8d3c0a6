import Authentication
import Logging
import NIOCore
import NIOEmbedded
import ProtocolMessages
import SwiftProtobuf
import Testing

@testable import Ingress
@testable import JobProtocol

/// What the ingress believes of what an executor, or whoever carries the job socket, says of a job.
@Suite struct JobDeskTests {
    private let own: Ed25519PrivateKey
    private let key: Ed25519PrivateKey
    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel
    private let desk: JobDesk
    private let link: ExecutorLink

    init() throws {
        own = try .generate()
        key = try .generate()
        channel = EmbeddedChannel(loop: loop)
        desk = JobDesk(
            keyID: "edge", key: own, trusted: TrustedKeys(["main": key.publicKey, "spare": key.publicKey]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        link = WatchBench.link(1, channel)
        link.credit = 8
        desk.connected(link)
    }

    private func signed(_ change: (inout WireJobRequest) -> Void = { _ in }) throws -> SignedRequest {
        var request = WireJobRequest.with {
            $0.jobID = Random.uuidV7(milliseconds: Samples.now)
            $0.dedupeKey = $0.jobID
        }
        change(&request)
        return try desk.sign(request, body: nil)
    }

    /// Hands it over for somebody who wants to know that it is durable, and no more.
    private func submit(_ signed: SignedRequest) throws -> (ticket: JobDesk.Ticket, EventLoopFuture<JobDesk.Outcome>) {
        guard case .waiting(let ticket, let future) = desk.submit(signed, .init(untilAccepted: true), on: loop) else {
            throw Samples.Missing()
        }
        return (ticket, future)
    }

    private func acceptance(
        of signed: SignedRequest, original: String? = nil, digest: [UInt8]? = nil, as type: PayloadType = .jobAcceptance,
        by signer: Ed25519PrivateKey? = nil, keyID: String = "main"
    ) throws -> WireSignedEnvelope {
        let acceptance = WireJobAcceptance.with {
            $0.jobID = signed.request.jobID
            $0.originalJobID = original ?? signed.request.jobID
            $0.requestDigest = .init(digest ?? signed.digest)
        }
        return try Envelope.seal(acceptance.serializedBytes(), as: type, keyID: keyID, key: signer ?? key)
    }

    /// How the desk takes it; nil when it does.
    private func refusal(_ envelope: WireSignedEnvelope, by other: ExecutorLink? = nil) -> ProtocolError.Code? {
        do {
            try desk.accepted(envelope, by: other ?? link)
            return nil
        } catch {
            return error.code
        }
    }

    /// The id under which the job is durable, as far as its waiter has learned.
    private func accepted(_ future: EventLoopFuture<JobDesk.Outcome>) -> String? {
        var id: String?
        future.assumeIsolated().whenSuccess { if case .accepted(let jobID) = $0 { id = jobID } }
        loop.run()
        return id
    }

    private func isUnconfirmed(_ ticket: JobDesk.Ticket) -> Bool {
        if case .unconfirmed = desk.leave(ticket) { true } else { false }
    }

    @Test func `what the executor has signed as accepted is durable, and so is the job that stands for a duplicate`() throws {
        let (request, duplicate) = (try signed(), try signed())
        let (first, second) = (try submit(request), try submit(duplicate))
        #expect(accepted(first.1) == nil)
        #expect(refusal(try acceptance(of: request)) == nil)
        #expect(accepted(first.1) == request.request.jobID)
        #expect(refusal(try acceptance(of: duplicate, original: "another")) == nil)
        #expect(accepted(second.1) == "another")
    }

    @Test func `what nobody has signed, or somebody else, or as something else, is refused and changes nothing`() throws {
        let request = try signed()
        let (ticket, future) = try submit(request)
        let good = try acceptance(of: request)
        var (changed, unsigned) = (good, good)
        changed.payload[changed.payload.startIndex + 3] ^= 1
        unsigned.signature = .init()
        for (envelope, code) in [
            (.init(), .wrongPayloadType), (unsigned, .badSignature), (changed, .badSignature),
            (try acceptance(of: request, by: own), .badSignature),
            (try acceptance(of: request, by: own, keyID: "edge"), .untrustedKey),
            (try acceptance(of: request, as: .jobResult), .wrongPayloadType), (request.envelope, .wrongPayloadType),
        ] as [(WireSignedEnvelope, ProtocolError.Code)] {
            #expect(refusal(envelope) == code)
        }
        #expect(accepted(future) == nil)
        #expect(isUnconfirmed(ticket))
    }

    @Test func `the acceptance of another request under the same id is refused`() throws {
        let request = try signed()
        // As the spool signs a request anew that has waited for longer than it lives.
        let renewed = try signed {
            $0 = request.request
            $0.issuedAtMs += 1
        }
        _ = try submit(request)
        let (ticket, future) = try submit(try signed())
        #expect(refusal(try acceptance(of: renewed)) == .malformed)
        #expect(refusal(try acceptance(of: request, digest: [])) == .malformed)
        #expect(refusal(try acceptance(of: request, original: "")) == .malformed)
        #expect(refusal(try acceptance(of: request)) == nil)
        // Nor does it say anything of any other job.
        #expect(accepted(future) == nil)
        #expect(isUnconfirmed(ticket))
    }

    @Test func `an executor accepts what it was handed, and nothing of another's`() throws {
        let request = try signed()
        let (ticket, future) = try submit(request)
        let other = WatchBench.link(2, channel, keyID: "spare")
        #expect(refusal(try acceptance(of: request, keyID: "spare"), by: other) == .malformed)
        #expect(accepted(future) == nil)
        #expect(isUnconfirmed(ticket))
    }

    @Test func `of a job that is not out any more nothing is learned, and nothing is wrong`() throws {
        let (ticket, future) = try submit(try signed())
        #expect(refusal(try acceptance(of: try signed())) == nil)
        #expect(accepted(future) == nil)
        #expect(isUnconfirmed(ticket))
    }
}
