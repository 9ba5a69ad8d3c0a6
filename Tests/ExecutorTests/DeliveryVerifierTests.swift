import Authentication
import JobProtocol
import ProtocolMessages
import Settings
import SwiftProtobuf
import Testing

@testable import Executor

/// Where a job demands its sender's signature, an ingress that was taken over hands on what was signed, or nothing.
@Suite struct DeliveryVerifierTests {
    private let key: Ed25519PrivateKey
    private let policy: Policy
    private let body = Array(#"{"after":"4f2c","count":3,"flag":true,"none":null,"list":[1]}"#.utf8)
    private let now = Samples.now / 1000

    init() throws {
        key = try .generate()
        policy = try Self.policy(key)
    }

    private static func policy(_ key: Ed25519PrivateKey, parameters: String = "sha: { pattern: '[0-9a-f]{4}', payload: /after }")
        throws
        -> Policy
    {
        let command = parameters.isEmpty ? "[/bin/deploy]" : "[/bin/deploy, \"{sha}\"]"
        return try Samples.policy(
            """
            deploy:
              command: \(command)
              destinations: [web-1]
              timeout: 1s
              parameters: { \(parameters) }
              verify: { standard-webhooks: { public-key: "\(StandardWebhooks.text(key.publicKey))", tolerance: 1m } }
            plain: { command: [/bin/a], destinations: [web-1], timeout: 1s }
            """)
    }

    private func submission(
        id: String = "msg_1", at time: Int64? = nil, by signer: Ed25519PrivateKey? = nil, body: [UInt8]? = nil,
        signed: [UInt8]? = nil,
        _ change: (inout WireJobRequest) -> Void = { _ in }
    ) throws -> Submission {
        let scheme = try StandardWebhooks(signingKey: signer ?? key)
        let body = body ?? self.body
        let parts = try scheme.sign(WebhookMessage(body: signed ?? body, id: id, time: time ?? now))
        let request = Samples.request {
            $0.bodyFollows = true
            $0.bodyLength = UInt64(body.count)
            $0.bodyDigest = .init(SHA256.hash(body))
            $0.webhookSignature = .with {
                $0.id = parts.headers[0].value
                $0.timestamp = parts.headers[1].value
                $0.signatures = parts.headers[2].value
            }
            change(&$0)
        }
        return Submission(envelope: .init(), payload: [], request: request, digest: [], ingress: "edge", body: body)
    }

    private func refusal(_ submission: Submission) -> WireReason? {
        .ofRefusal { try policy.verified(submission, now: now) }
    }

    @Test func `what was signed takes the place of what the ingress says`() throws {
        let submission = try submission {
            $0.eventID = "invented"
            $0.dedupeKey = "invented"
            $0.attempt = 9
            $0.manualRetry = true
            $0.dedupeWindowMs = 1
        }
        let verified = try policy.verified(submission, now: now)
        #expect(verified.isVerified)
        #expect(verified.request.eventID == "msg_1")
        #expect(verified.request.attempt == UInt32(now))
        #expect(!verified.request.manualRetry)
        #expect(verified.request.dedupeWindowMs == 0)
        #expect(verified.request.parameters == ["sha": "4f2c"])
        #expect(verified.request.dedupeKey.utf8.count == 64)
        #expect(verified.request.webhookSignature.signatures.isEmpty)
        let plan = try policy.plan(verified.request, from: "edge", now: now)
        #expect(plan.runs.map(\.arguments) == [["/bin/deploy", "4f2c"]])
        // The same id is the same event, whatever the ingress calls it, and the sender's own retry is a later attempt of it.
        let again = try policy.verified(try self.submission(at: now + 30), now: now)
        #expect(again.request.dedupeKey == verified.request.dedupeKey)
        #expect(again.request.attempt > verified.request.attempt)
        #expect(try policy.verified(try self.submission(id: "msg_2"), now: now).request.dedupeKey != verified.request.dedupeKey)
    }

    @Test func `an invented or changed delivery is refused as a bad token is`() throws {
        #expect(refusal(try submission(by: .generate())) == .token)
        #expect(refusal(try submission(signed: body + [0x20])) == .token)
        #expect(refusal(try submission { $0.webhookSignature.id = "msg_2" }) == .token)
        #expect(refusal(try submission { $0.webhookSignature.timestamp = "\(now + 1)" }) == .token)
        #expect(refusal(try submission { $0.webhookSignature.signatures = "" }) == .token)
        #expect(refusal(try submission { $0.webhookSignature.signatures = "v1,\(Base64.encode(SHA256.hash([])))" }) == .token)
        #expect(refusal(try submission { $0.clearWebhookSignature() }) == .token)
        var bodiless = try submission()
        bodiless = Submission(
            envelope: .init(), payload: [], request: bodiless.request, digest: [], ingress: "edge", body: nil)
        #expect(refusal(bodiless) == .token)
    }

    @Test(arguments: [(-61, false), (-60, true), (0, true), (60, true), (61, false)] as [(Int64, Bool)])
    func `a signature is good as long as the settings say, before and after`(offset: Int64, isGood: Bool) throws {
        #expect(refusal(try submission(at: now + offset)) == (isGood ? nil : .token))
    }

    @Test func `a parameter of the ingress that the signed body does not have is refused, one that it has is not`() throws {
        #expect(refusal(try submission { $0.parameters = ["sha": "4f2c"] }) == nil)
        #expect(refusal(try submission { $0.parameters = ["sha": "ffff"] }) == .parameter)
        #expect(refusal(try submission { $0.parameters = ["other": "4f2c"] }) == .parameter)
    }

    @Test(
        arguments: [
            ("/count", "3"), ("/flag", "true"), ("/none", nil), ("/absent", nil), ("/list", "refused"), ("/list/0", "1"),
        ] as [(String, String?)])
    func `values are taken as a hook would take them`(place: String, value: String?) throws {
        let policy = try Self.policy(key, parameters: "sha: { pattern: '.*', payload: \(place), default: standard }")
        let submission = try submission()
        guard value != "refused" else {
            #expect(WireReason.ofRefusal { try policy.verified(submission, now: now) } == .parameter)
            return
        }
        let verified = try policy.verified(submission, now: now)
        #expect(verified.request.parameters["sha"] == value)
        #expect(try policy.plan(verified.request, from: "edge", now: now).runs[0].arguments[1] == value ?? "standard")
    }

    @Test func `a signed body that is no JSON is for a job without parameters`() throws {
        let text = Array("plain text".utf8)
        #expect(refusal(try submission(body: text)) == .parameter)
        let policy = try Self.policy(key, parameters: "")
        let verified = try policy.verified(try submission(body: text), now: now)
        #expect(throws: Never.self) { try policy.plan(verified.request, from: "edge", now: now) }
    }

    @Test func `a job that verifies nobody takes no signature`() throws {
        #expect(refusal(try submission { $0.job = "plain" }) == .policy)
        #expect(
            refusal(
                try submission {
                    ($0.job, $0.bodyFollows) = ("plain", false); $0.clearWebhookSignature()
                }) == nil)
    }

    @Test func `what is handed on with a signature has limits`() {
        for (limit, change) in [
            (JobLimits.webhookSignatures, { $0.webhookSignature.signatures = $1 }),
            (JobLimits.eventID, { $0.webhookSignature.id = $1 }),
            (JobLimits.name, { $0.webhookSignature.timestamp = $1 }),
        ] as [(Int, (inout WireJobRequest, String) -> Void)] {
            func check(_ count: Int) -> WireReason? {
                .ofRefusal { try RequestCheck.validate(Samples.request { change(&$0, String(repeating: "a", count: count)) }) }
            }
            #expect(check(limit) == nil)
            #expect(check(limit + 1) == .policy)
        }
    }

    @Test func `check says it in words, and the policy's digest has it`() throws {
        let job = try #require(policy.jobs["deploy"])
        #expect(job.words.contains("sha comes from the signed body at /after"))
        #expect(job.words.contains("verified the sender's signature itself: for a hook with `body: true` and `forward: true`"))
        #expect(try Self.policy(.generate()).digest != policy.digest)
        #expect(
            try Self.policy(key, parameters: "sha: { pattern: '[0-9a-f]{4}', payload: /before }").digest != policy.digest)
    }

    @Test(arguments: [
        ("verify: { standard-webhooks: { public-key: 'whpk_abc' } }", "not a Standard Webhooks public key"),
        ("verify: { standard-webhooks: { } }", "either `public-key` or"),
        ("verify: { standard-webhooks: { public-key: KEY, secret: { env: A } } }", "unknown key"),
        ("verify: { standard-webhooks: { public-key: KEY, tolerance: 31m } }", "from 1s to 30m"),
        ("verify: { github: { secret: { env: A } } }", "unknown key"),
        ("verify: { standard-webhooks: { public-key: KEY } }, destination: caller", "nothing may come from the ingress's word"),
        ("verify: { standard-webhooks: { public-key: KEY } }, parameters: { a: { pattern: a } }", "say where"),
        ("parameters: { a: { pattern: a, payload: /a } }", "is for a job with `verify`"),
        ("verify: { standard-webhooks: { public-key: KEY } }, parameters: { a: { pattern: a, payload: a } }", "begins with `/`"),
    ])
    func `settings under which an ingress could still invent something are refused`(more: String, text: String) throws {
        let key = "\"\(StandardWebhooks.text(key.publicKey))\""
        let error = #expect(throws: SettingsProblems.self) {
            try Samples.job(
                "command: [/bin/a, \"{a}\"], destinations: [web-1], timeout: 1s, \(more.replacing("KEY", with: key))")
        }
        #expect(error?.problems.contains { $0.description.contains(text) } == true, "\(String(describing: error))")
    }
}
