import Authentication
import Foundation
import Glibc
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import TestSupport
import Testing

/// A job whose sender's signature the executor verifies itself: with the real binaries, and against an ingress that was taken over.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct SenderSignatureTests {
    private let bed: TestBed
    private let key: Ed25519PrivateKey
    private let log = "/tmp/sallyport-sender-\(UUID().uuidString.prefix(8))"
    private static let body = Array(#"{"after":"4f2c","fail":"0"}"#.utf8)

    init() throws {
        key = try .generate()
        let verify = "{ standard-webhooks: { public-key: \"\(StandardWebhooks.text(key.publicKey))\""
        bed = try TestBed(
            jobs: """
                  signed:
                    command: [sh, -c, 'echo "$1" >> \(log); exit "$2"', sh, "{sha}", "{fail}"]
                    destinations: [web-1]
                    timeout: 10s
                    parameters:
                      sha: { pattern: "[0-9a-f]{4}", payload: /after }
                      fail: { pattern: "[01]", payload: /fail }
                    verify: \(verify) } }

                """,
            hooks: """
                  signed:
                    verify: \(verify), forward: true } }
                    body: true
                    job: signed
                    respond: sync

                """, start: false)
    }

    private var lines: [String] {
        (try? String(contentsOfFile: log, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    }

    private func signature(
        _ id: String, body: [UInt8] = Self.body, at time: Int64 = WallClock.now() / 1000, by signer: Ed25519PrivateKey? = nil
    ) throws -> [(name: String, value: String)] {
        try StandardWebhooks(signingKey: signer ?? key).sign(WebhookMessage(body: body, id: id, time: time)).headers
    }

    private func deliver(_ headers: [(name: String, value: String)], body: [UInt8] = Self.body) throws -> HookAnswer {
        try bed.deliver(
            String(decoding: body, as: UTF8.self), hook: "signed", signature: nil, token: nil,
            more: headers.flatMap { ["-H", "\($0.name): \($0.value)"] })
    }

    @Test func `an honest delivery runs with what its body says, once`() throws {
        try bed.start()
        let headers = try signature("msg_1")
        let answer = try deliver(headers)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try deliver(headers).isDuplicate)
        #expect(lines == ["4f2c"])
        #expect(try deliver(try signature("msg_2", by: .generate())).status == 401)
        let jobs = try bed.jobs()
        #expect(jobs.count == 1)
        #expect(jobs[0]["eventId"] as? String ?? jobs[0]["event"] as? String == "msg_1", "\(jobs)")
    }

    @Test func `the sender's own retry of what failed runs again, the same signature once more does not`() throws {
        try bed.start()
        let failing = Array(#"{"after":"4f2c","fail":"1"}"#.utf8)
        let now = WallClock.now() / 1000
        let headers = try signature("msg_1", body: failing, at: now - 20)
        #expect(try deliver(headers, body: failing).status == 500)
        #expect(try deliver(headers, body: failing).isDuplicate)
        #expect(lines.count == 1)
        #expect(try deliver(try signature("msg_1", body: failing, at: now), body: failing).status == 500)
        #expect(lines.count == 2)
    }

    @Test func `an ingress that was taken over, with its real key, can neither invent, change nor repeat a delivery`() throws {
        try bed.executor.start()
        let peer = try HostilePeer(as: .ingress, in: bed)
        try peer.shakeHands()

        func submit(
            _ headers: [(name: String, value: String)]?, body: [UInt8] = Self.body,
            _ change: (inout WireJobRequest) -> Void = { _ in }
        ) throws -> WireJobResult {
            var request = WireJobRequest.good("signed", event: UUID().uuidString)
            request.bodyFollows = true
            request.bodyLength = UInt64(body.count)
            request.bodyDigest = .init(SHA256.hash(body))
            if let headers {
                request.webhookSignature = .with {
                    ($0.id, $0.timestamp, $0.signatures) = (headers[0].value, headers[1].value, headers[2].value)
                }
            }
            change(&request)
            try peer.submit(request)
            if request.bodyFollows {
                let id = request.jobID
                try peer.send(.with { $0.bodyChunk = .with { ($0.jobID, $0.data, $0.last) = (id, .init(body), true) } })
            }
            return try peer.result()
        }

        let invented = Array(#"{"after":"ffff","fail":"0"}"#.utf8)
        let good = try signature("msg_1")
        for (what, result) in [
            ("no signature", try submit(nil)), ("another body", try submit(good, body: invented)),
            ("its own key", try submit(try signature("msg_9", body: invented, by: peer.key), body: invented)),
            ("no body", try submit(good) { ($0.bodyFollows, $0.bodyLength) = (false, 0) }),
            ("another id", try submit(good) { $0.webhookSignature.id = "msg_2" }),
            ("another time", try submit(good) { $0.webhookSignature.timestamp = "\(WallClock.now() / 1000 + 9)" }),
            ("an old one", try submit(try signature("msg_3", at: WallClock.now() / 1000 - 301))),
        ] {
            #expect(result.status == .refused && result.reason == .token, "\(what): \(result)")
        }
        let changed = try submit(good) { $0.parameters = ["sha": "ffff"] }
        #expect(changed.status == .refused && changed.reason == .parameter)
        #expect(lines.isEmpty)
        // What was signed it may hand on, and whatever it says beside that, once.
        let first = try submit(good)
        #expect(first.status == .succeeded, "\(first.error)")
        for attempt in 1...3 {
            let again = try submit(good) {
                $0.attempt = UInt32(attempt) * 1_000
                $0.manualRetry = true
                $0.dedupeWindowMs = 1
                $0.dedupeKey = ""
            }
            #expect(again.duplicate && again.originalJobID == first.jobID)
        }
        #expect(lines == ["4f2c"])
    }

    @Test func `what was refused for its signature is not replayed`() throws {
        try bed.executor.start()
        let peer = try HostilePeer(as: .ingress, in: bed)
        try peer.shakeHands()
        var request = WireJobRequest.good("signed")
        request.bodyFollows = true
        request.bodyLength = UInt64(Self.body.count)
        request.bodyDigest = .init(SHA256.hash(Self.body))
        try peer.submit(request)
        let id = request.jobID
        try peer.send(.with { $0.bodyChunk = .with { ($0.jobID, $0.data, $0.last) = (id, .init(Self.body), true) } })
        #expect(try peer.result().reason == .token)
        let replay = try Command.run(
            try TestBed.binary("sallyport"), ["jobs", "replay", id, "--socket", bed.box.appending(path: "run/admin.sock").path])
        #expect(replay.code != 0)
        #expect((replay.output + replay.errors).contains("sender's signature"), "\(replay.output)\(replay.errors)")
        #expect(lines.isEmpty)
    }
}
