import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf

/// What the cases work on.
enum Samples {
    /// Unix milliseconds at which everything happens.
    static let now: Int64 = 1_750_000_000_000

    /// A push as GitHub sends one, of 7 KiB: a head, a repository of many addresses, and commits until that size is reached.
    static let push: [UInt8] = {
        let api = "https://api.github.com/repos/example/shop"
        let links = [
            "forks", "keys", "collaborators", "teams", "hooks", "issue_events", "events", "assignees", "branches", "tags",
            "blobs",
            "git_tags", "git_refs", "trees", "statuses", "languages", "stargazers", "contributors", "subscribers", "subscription",
            "commits", "git_commits", "comments", "issue_comment", "contents", "compare", "merges", "archive", "downloads",
            "issues",
            "pulls", "milestones", "notifications", "labels", "releases", "deployments",
        ].map { #""\#($0)_url":"\#(api)/\#($0)""# }.joined(separator: ",")
        let head = #"""
            {"ref":"refs/heads/main","before":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","after":"\#(commit)","created":false,
            "deleted":false,"forced":false,"base_ref":null,"repository":{"id":186853002,"name":"shop","full_name":"example/shop",
            "private":false,"owner":{"login":"example","id":21031067,"site_admin":false},"fork":false,"size":1024,\#(links)},
            "pusher":{"name":"ann","email":"ann@example.com"},"commits":[
            """#
        var text = head
        var number = 0
        while text.utf8.count < 7 * 1024 - 400 {
            number += 1
            text += #"""
                {"id":"\#(Hex.encode(SHA256.hash(Array(String(number).utf8))).prefix(40))","distinct":true,
                "message":"Change \#(number): “größer”, with a \"quote\"\nand a second line","timestamp":"2025-06-15T12:00:00+02:00",
                "author":{"name":"Ann","email":"ann@example.com"},"added":[],"removed":[],"modified":["Sources/shop/Cart.swift"]},
                """#
        }
        return Array((text + #"{"id":"\#(commit)","distinct":true}],"compare":"\#(api)/compare/main"}"#).utf8)
    }()

    static let commit = "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c"

    /// The request that such a push becomes: two parameters, no body. Always the same bytes, unless it is told another job or event:
    /// what a signature costs to verify depends on them.
    static func request(
        _ jobID: String = "01977f3a-5b1c-7d2e-8f40-a1b2c3d4e5f7", event: String = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    ) -> WireJobRequest {
        .with {
            $0.jobID = jobID
            $0.hook = "github"
            $0.job = "deploy"
            $0.parameters = ["repository": "example/shop", "commit": commit]
            $0.eventID = event
            $0.attempt = 1
            $0.dedupeKey = Hex.encode(SHA256.hash(Array(event.utf8)))
            $0.bodyDigest = .init(SHA256.hash(push))
            $0.bodyLength = UInt64(push.count)
            $0.issuedAtMs = now
            $0.expiresAtMs = now + 60_000
            $0.waitUntilMs = now + 30_000
            $0.correlationID = "01977f3a-5b1c-7d2e-8f40-a1b2c3d4e5f6"
            $0.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        }
    }

    /// How it ended, with 1 KiB of output.
    static func result(_ request: WireJobRequest) -> WireJobResult {
        .with {
            $0.jobID = request.jobID
            $0.originalJobID = request.jobID
            $0.status = .succeeded
            $0.attempts = 1
            $0.durationMs = 1234
            $0.correlationID = request.correlationID
            $0.finishedAtMs = now + 1234
            $0.destinations = [
                .with {
                    $0.destination = "web-1"
                    $0.status = .succeeded
                    $0.exitCode = 0
                    $0.stdout = .init(push.prefix(1024))
                    $0.stdoutTotal = 1024
                    $0.durationMs = 1200
                }
            ]
        }
    }

    /// Of one of the gates: RFC 8037 A.1.
    static func key() throws -> Ed25519PrivateKey {
        try Ed25519PrivateKey(pem: SecretBytes(copying: TestKeys.ed25519PEM.utf8), origin: "sample")
    }

    static let keyID = "edge-1"

    static func trusted() throws -> TrustedKeys { TrustedKeys([keyID: try key().publicKey]) }

    /// As the ingress signs one (SignedRequest): the digest of the payload is what results must name.
    static func sign(_ request: WireJobRequest, _ key: Ed25519PrivateKey) throws -> (WireSignedEnvelope, digest: [UInt8]) {
        let payload: [UInt8] = try request.serializedBytes()
        let digest = SHA256.hash(payload)
        return (try Envelope.seal(payload, as: .jobRequest, keyID: keyID, key: key), digest)
    }

    /// As the executor takes it in (JobLink).
    static func submission(_ envelope: WireSignedEnvelope, _ trusted: TrustedKeys) throws -> Submission {
        let payload = try Envelope.open(envelope, expecting: .jobRequest, trusting: trusted)
        let request = try WireJobRequest(serializedBytes: payload)
        return Submission(
            envelope: envelope, payload: payload, request: request, digest: SHA256.hash(payload), ingress: "edge", body: nil)
    }
}
