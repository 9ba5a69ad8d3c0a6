import Authentication
import Foundation
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

/// What carries the job socket has been taken over: it withholds what it likes, and says in the executor's place that it has been taken.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct RelayTests {
    private static let hooks =
        DeliveryTests.hook("plain", "respond: async", job: "count")
        + DeliveryTests.hook("brief", "wait: 1s", job: "count")
        + DeliveryTests.hook("kept", "respond: async\n    when-executor-away: spool", job: "count")

    private let bed: TestBed

    init() throws {
        bed = try TestBed.spooling(
            jobs: "  count: { command: [echo, counted], destinations: [web-1], timeout: 10s }\n", hooks: Self.hooks)
    }

    /// Through the relay: a spool is ready without an executor.
    private func start() throws {
        try bed.start()
        try #require(try eventually { try bed.metric("sallyport_executors_connected") == 1 })
    }

    private func send(_ hook: String) throws -> HookAnswer { try bed.deliver(hook: hook, signature: nil, token: nil) }

    /// How a relay without a key may say that a request has been accepted.
    enum Forgery: String, CaseIterable {
        case nothing, version1, unsigned, ownKey, request
    }

    /// Keeps what the ingress submits, and accepts it in the executor's place.
    private static func forging(_ forgery: Forgery) throws -> HostileRelay.Rule {
        let key = try Ed25519PrivateKey.generate()
        return { way, kind in
            guard case .submit(let submit) = kind else { return [(way, kind)] }
            let request = try WireJobRequest(serializedBytes: submit.envelope.payload)
            let payload: [UInt8] = try WireJobAcceptance.with {
                $0.jobID = request.jobID
                $0.originalJobID = request.jobID
                $0.requestDigest = .init(SHA256.hash([UInt8](submit.envelope.payload)))
            }.serializedBytes()
            var accepted = WireAccepted()
            switch forgery {
            case .nothing: break
            // The two texts that were all of it in version 1.
            case .version1:
                let id = [UInt8(request.jobID.utf8.count)] + Array(request.jobID.utf8)
                accepted = try WireAccepted(serializedBytes: [0x0a] + id + [0x12] + id)
            case .unsigned, .ownKey:
                accepted.envelope = try Envelope.seal(payload, as: .jobAcceptance, keyID: "executor", key: key)
                if forgery == .unsigned { accepted.envelope.signature = .init() }
            case .request: accepted.envelope = submit.envelope
            }
            return [(.toIngress, .accepted(accepted))]
        }
    }

    @Test(arguments: Forgery.allCases)
    func `a delivery that the relay keeps and calls accepted is answered with no 2xx, and the log says what was tried`(
        forgery: Forgery
    ) throws {
        let relay = try HostileRelay(in: bed, Self.forging(forgery))
        defer { relay.stop() }
        try start()
        let bed = bed
        let answers = ["plain", "brief"].map { hook in
            Background { try bed.deliver(hook: hook, signature: nil, token: nil).status }
        }
        for answer in answers { #expect(try answer.value == 503) }
        #expect(try bed.jobs().isEmpty)
        #expect(bed.ingress.text.contains("executor broke the protocol"))
        #expect(bed.ingress.text.contains(forgery == .unsigned || forgery == .ownKey ? "bad-signature" : "wrong-payload-type"))
    }

    @Test func `what the relay keeps stays in the spool, and runs once when the way is honest again`() throws {
        let relay = try HostileRelay(in: bed, Self.forging(.ownKey))
        defer { relay.stop() }
        try start()
        let answer = try send("kept")
        // It is the spool that has made it durable.
        #expect(answer.status == 202)
        #expect(bed.spooled().count == 1)
        #expect(try bed.metric("sallyport_spool_deliveries") == 1)
        let violations = { try bed.metric(#"sallyport_protocol_violations_total{kind="bad-signature"}"#) ?? 0 }
        let before = try violations()
        // Handed over again and again, and kept again.
        #expect(try eventually { try violations() > before })
        #expect(try bed.metric("sallyport_spool_deliveries") == 1)
        relay.follow(HostileRelay.honest)
        #expect(try eventually { try bed.metric("sallyport_spool_deliveries") == 0 })
        #expect(try bed.jobs().map { $0["job"] as? String } == [answer["job"]])
    }

    @Test func `what the executor has signed passes, and the same word again is none of another job`() throws {
        let record = Recording()
        let relay = try HostileRelay(in: bed) { way, kind in
            if case .accepted = kind { record.keep(kind) }
            guard case .submit = kind, record.isReplaying, let old = record.kept else { return [(way, kind)] }
            return [(.toIngress, old)]
        }
        defer { relay.stop() }
        try start()
        let good = try send("plain")
        #expect(good.status == 202)
        #expect(good["status"] == "accepted")
        try #require(record.kept != nil)
        // The ingress does not wait for that job any more: there is but one that the old word could be taken for.
        try #require(try eventually { try bed.jobs().first?["status"] as? String == "succeeded" })
        record.replay()
        #expect(try send("plain").status == 503)
        #expect(try bed.jobs().count == 1)
    }

    /// The executor's first word, said again later.
    private final class Recording: Sendable {
        private let state = Mutex<(kept: WireFrame.OneOf_Kind?, isReplaying: Bool)>((nil, false))
        var kept: WireFrame.OneOf_Kind? { state.withLock(\.kept) }
        var isReplaying: Bool { state.withLock(\.isReplaying) }
        func keep(_ frame: WireFrame.OneOf_Kind) { state.withLock { $0.kept = $0.kept ?? frame } }
        func replay() { state.withLock { $0.isReplaying = true } }
    }
}
