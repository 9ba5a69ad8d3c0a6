import Authentication
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Ingress

/// The settings that docs/tokens.md shows for GitHub Actions, over a token of that shape.
@Suite struct GitHubTokenTests {
    private let folder: TemporaryFolder
    private let file: String

    init() throws {
        folder = try TemporaryFolder()
        file = try folder.write("github-jwks.json", GitHubToken.keys)
    }

    private static let claims = [
        "repository_id": #""74""#, "repository_owner_id": #""65""#, "ref": #"{pattern: "refs/(heads/main|tags/v[0-9.]+)"}"#,
        "environment": "{one-of: [production, staging]}",
        "job_workflow_ref": #"{pattern: "octo-org/octo-automation/.github/workflows/release\\.yml@refs/tags/v[0-9]+"}"#,
    ]

    private func outcome(
        _ claims: [String: String] = claims, audience: String = "sallyport", issuer: String = GitHubToken.issuer,
        more: String = "", later: Int64 = 10
    ) throws -> String? {
        let rules = claims.map { "\($0): \($1)" }.joined(separator: ", ")
        let hook = try Samples.hook(
            "token: {issuer: \"\(issuer)\", audience: \(audience), keys: {file: \(file)}, claims: {\(rules)}\(more)}")
        let delivery = Delivery(
            headers: HTTPHeaders([("X-Sallyport-Token", GitHubToken.text)]), query: [], body: ByteBuffer(string: "{}"),
            receivedAt: (GitHubToken.issuedAt + later) * 1000)
        return Rejection.of { try JobIntent(delivery, for: hook) }?.outcome
    }

    @Test func `a workflow's token is accepted for five minutes and the clock skew`() throws {
        #expect(try outcome() == nil)
        #expect(try outcome(later: 359) == nil)
        #expect(try outcome(later: 360) == "token-expired")
        #expect(try outcome(later: -61) == "token-not-yet-valid")
        #expect(try outcome(more: ", skew: 0s", later: 300) == "token-expired")
        #expect(try outcome(more: ", skew: 0s, maximum-age: 1m", later: 60) == "token-expired")
    }

    @Test(arguments: [
        ("repository_id", #""75""#), ("repository_id", "74"), ("environment", "{one-of: [staging]}"),
        ("environment", "Production"),
        ("ref", #"{pattern: "refs/heads/mai"}"#), ("ref", #"{pattern: "main"}"#), ("ref", "{contains: refs/heads/main}"),
        ("job_workflow_ref", #"{pattern: "octo-org/octo-automation/.github/workflows/release\\.yml@refs/heads/.*"}"#),
        ("absent", "x"), ("/repository/id", "x"),
    ])
    func `a token of another repository, branch, environment or workflow is refused`(name: String, rule: String) throws {
        #expect(try outcome(Self.claims.merging([name: rule]) { $1 }) == "token-claim")
    }

    @Test func `a token for another audience or of another issuer is refused`() throws {
        #expect(try outcome(audience: "https://github.com/octo-org") == "token-audience")
        #expect(try outcome(issuer: "https://token.actions.octo.ghe.com") == "token-issuer")
    }
}
