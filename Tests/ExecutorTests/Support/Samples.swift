import Authentication
import JobProtocol
import ProtocolMessages
import Settings
import SwiftProtobuf

@testable import Executor

/// What many tests begin with.
enum Samples {
    /// The time at which the sample requests are issued, in Unix milliseconds.
    static let now: Int64 = 1_750_000_000_000

    /// A lease on web-1 with a kilobyte for each stream.
    static let lease = WireLease.with {
        $0.host = "web-1"
        $0.stdoutLimit = 1024
        $0.stderrLimit = 1024
    }

    /// A request that keeps every limit.
    static func request(_ change: (inout WireJobRequest) -> Void = { _ in }) -> WireJobRequest {
        var request = WireJobRequest()
        request.jobID = Random.uuidV7(milliseconds: now)
        request.hook = "github"
        request.job = "deploy"
        request.issuedAtMs = now
        request.expiresAtMs = now + 60_000
        change(&request)
        return request
    }

    /// A new Ed25519 identity.
    static func identity() throws -> IdentityKey { try IdentityKey(Ed25519PrivateKey.generate().pem(), origin: "test") }

    /// An ECDSA identity (the key of RFC 7515 A.3).
    static func curveIdentity() throws -> IdentityKey {
        let pem = """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
            H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
            7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
            -----END PRIVATE KEY-----
            """
        return try IdentityKey(SecretBytes(copying: pem.utf8), origin: "test")
    }

    /// The hosts web-1, web-2 and db-1.
    static func hosts() throws -> HostDirectory {
        let identity = try identity()
        let names = ["web-1", "web-2", "db-1"]
        return HostDirectory(
            targets: Dictionary(
                uniqueKeysWithValues: names.map { name in
                    let target = HostDirectory.Target(
                        address: "\(name).example", port: 22, user: "deploy", identityName: "deploy", identity: identity,
                        hostKeys: [], connectTimeout: .seconds(10))
                    return (name, target)
                }), unpinned: [:], groups: ["web": ["web-1", "web-2"]], identities: ["deploy": identity])
    }

    /// The policy that the `jobs` of some settings make, for those hosts and the ingresses edge and inner.
    static func policy(_ jobs: String) throws -> Policy {
        let file = try SettingsFile(text: jobs, file: "executor.yaml")
        let policy = JobSettings.policy(file.root, hosts: try hosts(), ingresses: ["edge", "inner"])
        try file.finish()
        return policy
    }

    /// The policy of one job, `deploy`, whose settings are these lines of a flow mapping.
    static func job(_ settings: String) throws -> JobPolicy {
        guard let job = try policy("deploy: {\(settings)}").jobs["deploy"] else { throw Missing() }
        return job
    }

    struct Missing: Error {}
}

extension WireReason {
    /// The reason for which `body` refuses; nil when it accepts.
    static func ofRefusal<T>(_ body: () throws -> T) -> WireReason? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? Refusal)?.reason
        }
    }
}
