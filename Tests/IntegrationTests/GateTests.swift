import Authentication
import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

/// What an ingress that was taken over can make the executor do, and an executor the ingress.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct GateTests {
    private static let count = "/tmp/sallyport-gate-\(UUID().uuidString.prefix(8))"

    private static let jobs = """
          count:
            command: [sh, -c, "echo x >> \(count); echo counted"]
            destinations: [web-1]
            timeout: 10s
          strict:
            command: [printf, "%s|", "{value}"]
            destinations: [web-1]
            parameters: { value: { pattern: "[a-z0-9][a-z0-9-]*" } }
            timeout: 10s

        """

    private let bed: TestBed

    init() throws {
        bed = try TestBed(jobs: Self.jobs, hooks: DeliveryTests.hook("count", "wait: 1s"), start: false)
        try? FileManager.default.removeItem(atPath: Self.count)
    }

    private var runs: Int { (try? String(contentsOfFile: Self.count, encoding: .utf8))?.count(where: { $0 == "\n" }) ?? 0 }

    private func hostileIngress() throws -> HostilePeer {
        if !bed.executor.isRunning { try bed.executor.start() }
        let peer = try HostilePeer(as: .ingress, in: bed)
        try peer.shakeHands()
        return peer
    }

    @Test func `the same envelope twice is one run, at the same time and afterwards`() throws {
        let peer = try hostileIngress()
        let request = WireJobRequest.good("count")
        try peer.submit(request)
        try peer.submit(request)
        #expect(try peer.result().status == .succeeded)
        try peer.submit(request)
        let again = try peer.result()
        #expect(again.status == .succeeded)
        #expect(again.originalJobID == request.jobID)
        #expect(runs == 1)
    }

    @Test func `a request that was run is answered from the journal, although the policy of now would refuse it`() throws {
        let peer = try hostileIngress()
        let request = WireJobRequest.good("strict", parameters: ["value": "abc"])
        try peer.submit(request)
        #expect(try peer.result().status == .succeeded)
        let file = bed.box.appending(path: "executor.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacingOccurrences(of: "[a-z0-9][a-z0-9-]*", with: "[0-9]+").write(to: file, atomically: true, encoding: .utf8)
        kill(bed.executor.pid, SIGHUP)
        let bed = bed
        try #require(eventually { bed.executor.text.contains("settings are read again") })
        try peer.submit(request)
        let again = try peer.result()
        #expect(again.status == .succeeded)
        #expect(again.originalJobID == request.jobID)
        try peer.submit(.good("strict", parameters: ["value": "abc"]))
        #expect(try peer.result().status == .refused)
    }

    @Test func `an event under a new job id is the event's job, and a used job id with other bytes is refused`() throws {
        let peer = try hostileIngress()
        let first = WireJobRequest.good("count", event: "evt_1")
        try peer.submit(first)
        #expect(try peer.result().status == .succeeded)
        var second = WireJobRequest.good("count", event: "evt_1")
        try peer.submit(second)
        let duplicate = try peer.result()
        #expect(duplicate.duplicate)
        #expect(duplicate.originalJobID == first.jobID)
        second.jobID = first.jobID
        try peer.submit(second)
        #expect(try peer.result().reason == .replay)
        #expect(runs == 1)
    }

    @Test func `a changed byte anywhere in an envelope ends the connection and runs nothing`() throws {
        if !bed.executor.isRunning { try bed.executor.start() }
        for part in 0..<4 {
            let peer = try hostileIngress()
            var envelope = try peer.envelope(.good("count"))
            switch part {
            case 0: envelope.payload[envelope.payload.startIndex + 10] ^= 1
            case 1: envelope.signature[envelope.signature.startIndex] ^= 1
            case 2: envelope.payloadType += "x"
            default: envelope.keyID = "other"
            }
            try peer.send(.with { $0.submit = .with { $0.envelope = envelope } })
            #expect(peer.isClosed(), "part \(part)")
        }
        #expect(runs == 0)
        let honest = try hostileIngress()
        try honest.submit(.good("count"))
        #expect(try honest.result().status == .succeeded)
    }

    @Test func `a job that demands a token cannot be invented by who holds the ingress's key`() throws {
        let peer = try hostileIngress()
        let parameters = ["sha": String(repeating: "a", count: 40), "repository": "octo-org/octo-repo"]
        var request = WireJobRequest.good("deploy", parameters: parameters)
        try peer.submit(request)
        #expect(try peer.result().reason == .token)
        request.jobID = Random.uuidV7()
        request.token = bed.token.split(separator: ".").dropLast().joined(separator: ".") + ".AAAA"
        try peer.submit(request)
        #expect(try peer.result().reason == .token)
        request.jobID = Random.uuidV7()
        request.token = bed.token
        try peer.submit(request)
        #expect(try peer.result().status == .succeeded)
    }

    @Test(arguments: ["$(id)", "a b", "-rf", "a\nb", "a'b", "", "A", String(repeating: "a", count: 257), "a\u{0}b"])
    func `the executor checks every value itself`(value: String) throws {
        let peer = try hostileIngress()
        try peer.submit(.good("strict", parameters: ["value": value]))
        #expect(try peer.result().reason == .parameter)
    }

    @Test func `what the policy does not name is refused: jobs, parameters, destinations, identities, bodies`() throws {
        let peer = try hostileIngress()
        var requests = [WireJobRequest.good("nothing"), .good("count", parameters: ["more": "x"])]
        requests.append(.good("count"))
        requests[2].destination = "web-1"
        requests.append(.good("count"))
        requests[3].identity = "deploy"
        requests.append(.good("count"))
        requests[4].jobID = "../../etc/passwd"
        for request in requests {
            try peer.submit(request)
            #expect(try peer.result().status == .refused, "\(request)")
        }
        #expect(runs == 0)
    }

    @Test func `a request that is too old, from the future or made to live too long is refused`() throws {
        let peer = try hostileIngress()
        for (issued, expires) in [(-120_000, -1_000), (120_000, 180_000), (0, 700_000), (0, -1)] as [(Int64, Int64)] {
            var request = WireJobRequest.good("count")
            request.issuedAtMs = WallClock.now() + issued
            request.expiresAtMs = WallClock.now() + expires
            try peer.submit(request)
            #expect(try peer.result().reason == .expired, "\(issued) \(expires)")
        }
        #expect(runs == 0)
    }

    @Test func `frames out of turn, too large, empty or garbled end the connection`() throws {
        if !bed.executor.isRunning { try bed.executor.start() }
        let attacks: [[UInt8]] = [
            [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0, 1, 0, 1], [0, 0, 0, 3, 0xff, 0xff, 0xff],
            try Frames.encode(.with { $0.credit = .with { $0.jobsInFlight = 1 } }),
            try Frames.encode(
                .with {
                    $0.bodyChunk = .with {
                        $0.jobID = "x"; $0.data = .init([1])
                    }
                }),
            try Frames.encode(.with { $0.proof = .init() }),
        ]
        for attack in attacks {
            let peer = try hostileIngress()
            try peer.send(attack)
            #expect(peer.isClosed(), "\(attack.prefix(8))")
        }
        let early = try HostilePeer(as: .ingress, in: bed)
        try early.submit(.good("count"))
        #expect(early.isClosed())
        #expect(runs == 0)
    }

    @Test func `a result with a changed byte is no result, and neither is one that answers another request`() throws {
        try bed.ingress.start()
        #expect(eventually { FreePort.answers(bed.httpPort) })
        for part in 0..<4 {
            let peer = try HostilePeer(as: .executor, in: bed)
            try peer.shakeHands()
            try peer.send(.with { $0.credit = .with { $0.jobsInFlight = 8 } })
            let bed = bed
            let answer = Background { try bed.deliver(hook: "count", signature: nil, token: nil) }
            let payload = try #require(try submitted(peer))
            let request = try WireJobRequest(serializedBytes: payload)
            var result = WireJobResult.with {
                $0.jobID = request.jobID
                $0.originalJobID = request.jobID
                $0.status = .succeeded
                $0.requestDigest = .init(SHA256.hash(payload))
            }
            if part == 3 { result.requestDigest = .init(SHA256.hash([1])) }
            var envelope = try Envelope.seal(result.serializedBytes(), as: .jobResult, keyID: peer.keyID, key: peer.key)
            switch part {
            case 0: envelope.payload[envelope.payload.startIndex + 4] ^= 1
            case 1: envelope.signature[envelope.signature.startIndex + 63] ^= 1
            case 2: envelope.payloadType = "application/vnd.sallyport.job-request.v1"
            default: break
            }
            try peer.send(.with { $0.finished = .with { $0.envelope = envelope } })
            #expect(peer.isClosed(), "part \(part)")
            #expect(try answer.value.status >= 500, "part \(part)")
        }
    }

    private func submitted(_ peer: HostilePeer) throws -> [UInt8]? {
        for _ in 0..<8 { if case .submit(let submit) = try peer.next() { return [UInt8](submit.envelope.payload) } }
        return nil
    }
}
