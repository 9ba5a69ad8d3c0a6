import Authentication
import Foundation
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

/// What a half that was taken over can learn and do with the frames about jobs.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct WatchGateTests {
    private let bed: TestBed

    init() throws {
        let job = """
              count:
                command: [echo, counted]
                destinations: [web-1]
                timeout: 10s
              pause:
                command: [sleep, "8"]
                destinations: [web-1]
                timeout: 10s

            """
        let reading = """
            jobs:
              token: { issuer: sallyport-init, audience: sallyport, keys: { file: token-keys.json } }

            """
        bed = try TestBed(jobs: job, hooks: DeliveryTests.hook("count", "wait: 1s") + reading, start: false)
    }

    private func ingress() throws -> HostilePeer {
        if !bed.executor.isRunning { try bed.executor.start() }
        let peer = try HostilePeer(as: .ingress, in: bed)
        try peer.shakeHands()
        return peer
    }

    private func watch(_ number: UInt64, _ job: String, follow: Bool = false, credit: UInt32 = 0) -> WireFrame {
        .with {
            $0.watch = .with {
                $0.watch = number
                $0.jobID = job
                $0.follow = follow
                $0.credit = credit
            }
        }
    }

    private func end(_ peer: HostilePeer) throws -> WireWatchEnd {
        while true { if case .watchEnd(let end) = try peer.next() { return end } }
    }

    @Test func `an ingress learns of its own jobs, and of another's not even that they are there`() throws {
        let peer = try ingress()
        let request = WireJobRequest.good("count", event: "evt_watched")
        try peer.submit(request)
        #expect(try peer.result().status == .succeeded)
        try peer.send(watch(1, request.jobID))
        let own = try end(peer)
        #expect(own.outcome == .finished)
        #expect(try WireJobResult(serializedBytes: own.envelope.payload).originalJobID == request.jobID)
        // An event's id is no job's.
        for (number, id) in [(2, "evt_watched"), (3, Random.uuidV7()), (4, "")] as [(UInt64, String)] {
            try peer.send(watch(number, id))
            #expect(try end(peer).outcome == .notFound, "\(id)")
        }
        // The same key under another name: the job is another ingress's.
        bed.executor.stop()
        let settings = bed.box.appending(path: "executor.yaml")
        let text = try String(contentsOf: settings, encoding: .utf8)
        try text.replacingOccurrences(of: "\n  edge: {", with: "\n  other: {").write(
            to: settings, atomically: true, encoding: .utf8)
        let other = try ingress()
        try other.send(watch(1, request.jobID, follow: true, credit: 1000))
        let hidden = try end(other)
        #expect(hidden.outcome == .notFound)
        #expect(!hidden.hasEnvelope)
    }

    @Test func `a watch without a number, too much credit, a long id and frames of the other side end the connection`() throws {
        let job = Random.uuidV7()
        let attacks: [[WireFrame]] = [
            [watch(0, job)], [watch(1, String(repeating: "x", count: 65))],
            [watch(1, job, follow: true, credit: UInt32(WatchLimits.window) + 1)],
            [.with { $0.watchCredit = .with { $0.credit = UInt32(WatchLimits.window) + 1 } }],
            [.with { $0.jobState = .init() }],
            [.with { $0.watchEnd = .init() }],
        ]
        for (number, attack) in attacks.enumerated() {
            let peer = try ingress()
            for frame in attack { try peer.send(frame) }
            #expect(peer.isClosed(), "attack \(number)")
        }
        let honest = try ingress()
        try honest.send(.with { $0.unwatch = .with { $0.watch = 7 } })
        try honest.send(.with { $0.watchCredit = .with { $0.watch = 7 } })
        try honest.submit(.good("count"))
        #expect(try honest.result().status == .succeeded)
    }

    @Test func `as many watches as the limit are open on a connection, one more ends it, and one that ended makes room`() throws {
        let peer = try ingress()
        let request = WireJobRequest.good("pause")
        try peer.submit(request)
        for number in 1...WatchLimits.watches { try peer.send(watch(UInt64(number), request.jobID, follow: true)) }
        try peer.send(.with { $0.unwatch = .with { $0.watch = 1 } })
        try peer.send(watch(1, request.jobID, follow: true))
        try peer.submit(.good("count"))
        #expect(try peer.result().status == .succeeded)
        try peer.send(watch(UInt64(WatchLimits.watches) + 1, request.jobID, follow: true))
        #expect(peer.isClosed())
    }

    @Test func `a watch number in use ends the connection`() throws {
        let peer = try ingress()
        let request = WireJobRequest.good("pause")
        try peer.submit(request)
        for _ in 0..<2 { try peer.send(watch(1, request.jobID, follow: true)) }
        #expect(peer.isClosed())
    }

    private func executor(answersWatches: Bool = true) throws -> HostilePeer {
        if !bed.ingress.isRunning {
            try bed.ingress.start()
            #expect(eventually { FreePort.answers(bed.httpPort) })
        }
        let peer = try HostilePeer(as: .executor, in: bed)
        try peer.shakeHands(answersWatches: answersWatches)
        try peer.send(.with { $0.credit = .with { $0.jobsInFlight = 8 } })
        return peer
    }

    private func asked(_ peer: HostilePeer) throws -> WireWatch {
        while true { if case .watch(let watch) = try peer.next() { return watch } }
    }

    @Test func `output that nobody asked for, and more than was asked for, ends the executor's connection`() throws {
        let unasked = try executor()
        try unasked.send(
            .with {
                $0.output = .with {
                    $0.watch = 1
                    $0.data = .init([1])
                }
            })
        #expect(unasked.isClosed())
        let endless = try executor()
        let reader = try bed.follow(Random.uuidV7())
        let watch = try asked(endless)
        try endless.send(
            .with {
                $0.jobState = .with {
                    $0.watch = watch.watch
                    $0.jobID = watch.jobID
                    $0.hook = "count"
                    $0.status = .running
                }
            })
        #expect(eventually { reader.states == ["running"] })
        reader.stop()
        let slow = try RawConnection(port: bed.httpPort)
        try slow.send("GET /jobs/\(watch.jobID)/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(bed.token)\r\n\r\n")
        let second = try asked(endless)
        try endless.send(
            .with {
                $0.jobState = .with {
                    $0.watch = second.watch
                    $0.jobID = second.jobID
                    $0.hook = "count"
                }
            })
        // More than any number of sockets' buffers hold, with no regard to credit.
        #expect(throws: (any Error).self) {
            for round in 0..<2000 {
                try endless.send(
                    .with {
                        $0.output = .with {
                            $0.watch = second.watch
                            $0.jobID = second.jobID
                            $0.data = .init(repeating: 97, count: 30_000)
                            $0.position = UInt64(round) * 30_000
                        }
                    })
            }
        }
        #expect(endless.isClosed())
        #expect(bed.ingress.isRunning)
    }

    @Test func `a result that no trusted key signed is shown to nobody`() throws {
        let peer = try executor()
        let reader = try bed.follow(Random.uuidV7())
        let watch = try asked(peer)
        try peer.send(
            .with {
                $0.jobState = .with {
                    $0.watch = watch.watch
                    $0.jobID = watch.jobID
                    $0.hook = "count"
                    $0.status = .running
                }
            })
        let result = WireJobResult.with {
            $0.jobID = watch.jobID
            $0.originalJobID = watch.jobID
            $0.status = .succeeded
        }
        let envelope = try Envelope.seal(
            result.serializedBytes(), as: .jobResult, keyID: peer.keyID, key: Ed25519PrivateKey.generate())
        try peer.send(.with { $0.watchEnd = .with { ($0.watch, $0.outcome, $0.envelope) = (watch.watch, .finished, envelope) } })
        #expect(peer.isClosed())
        #expect(reader.result == nil)
    }

    @Test func `an executor of before is not asked, and the reader is told so before anything runs`() throws {
        let bed = bed
        let peer = try executor(answersWatches: false)
        #expect(eventually { (try? bed.get("/jobs/\(Random.uuidV7())").status) == 501 })
        #expect(try bed.get("/jobs/\(Random.uuidV7())/events").status == 501)
        let answer = try bed.deliver(hook: "count", signature: nil, token: nil, more: ["-H", "Accept: text/event-stream"])
        #expect(answer.status == 501)
        #expect(answer["detail"]?.contains("upgrade") == true)
        // An ordinary delivery is the first frame it gets.
        let ordinary = Background { try bed.deliver(hook: "count", signature: nil, token: nil) }
        guard case .submit = try peer.next() else {
            Issue.record("another frame than submit")
            return
        }
        #expect(try ordinary.value.status >= 200)
    }

    @Test func `without the setting there is no such route, and the answer says which it is`() throws {
        let settings = bed.box.appending(path: "ingress.yaml")
        let text = try String(contentsOf: settings, encoding: .utf8)
        try text.components(separatedBy: "\njobs:\n")[0].appending("\n").write(to: settings, atomically: true, encoding: .utf8)
        try bed.ingress.start()
        #expect(eventually { FreePort.answers(bed.httpPort) })
        let answer = try bed.get("/jobs/\(Random.uuidV7())")
        #expect(answer.status == 404)
        #expect(answer["detail"]?.contains("`jobs: {token: …}`") == true)
    }
}
