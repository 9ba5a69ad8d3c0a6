import Authentication
import NIOHTTP1
import Settings
import TestSupport
import Testing

@testable import Ingress

/// `verify` of a hook: what is read, and each thing that is refused.
@Suite struct VerificationSettingsTests {
    private static let publicKey = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    private let folder: TemporaryFolder
    private let secret: String
    private let standard: String

    init() throws {
        folder = try TemporaryFolder()
        secret = "{file: \(try folder.write("secret", "0123456789abcdef\n"))}"
        standard = "{file: \(try folder.write("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"))}"
    }

    private func text(_ verify: String) -> String {
        verify.replacing("SECRET", with: secret).replacing("WHSEC", with: standard).replacing("WHPK", with: Self.publicKey)
    }

    private func read(_ verify: String) throws -> Verification {
        try #require(try Samples.hook(verify: text(verify)).verification)
    }

    /// Problems without file and line.
    private func problems(_ verify: String) -> [String] {
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: "github: {job: deploy, verify: \(text(verify))}", file: "ingress.yaml")
            for entry in file.root.entries() { _ = HookSettings.hook(entry.name, entry.value) }
            try file.finish()
            return []
        } catch {
            return error.problems.map { String($0.description.dropFirst("ingress.yaml:1: github.verify".count)) }
        }
    }

    @Test(arguments: [
        ("{hookdeck: {secret: SECRET}}", "Hookdeck's signature over the body"),
        ("{github: {secrets: [SECRET, SECRET]}}", "GitHub's signature over the body"),
        ("{gitea: {secret: SECRET}}", "Gitea's signature over the body"),
        ("{forgejo: {secret: SECRET}}", "Forgejo's signature over the body"),
        ("{gogs: {secret: SECRET}}", "Gogs's signature over the body"),
        ("{bitbucket: {secret: SECRET}}", "Bitbucket's signature over the body"),
        ("{shopify: {secret: SECRET}}", "Shopify's signature over the body"),
        ("{slack: {secret: SECRET}}", "Slack's signature over a time and the body, 300 s tolerated"),
        ("{slack: {secret: SECRET, tolerance: 1s}}", "Slack's signature over a time and the body, 1 s tolerated"),
        ("{stripe: {secret: SECRET, tolerance: 7d}}", "Stripe's signature over a time and the body, 604800 s tolerated"),
        (
            "{standard-webhooks: {secret: WHSEC}}",
            "a Standard Webhooks signature over an id, a time and the body, 300 s tolerated"
        ),
        (
            "{standard-webhooks: {secrets: [WHSEC], public-keys: [WHPK, WHPK], headers: svix, tolerance: 2m}}",
            "a Standard Webhooks signature over an id, a time and the body, 120 s tolerated"
        ),
        (
            "{standard-webhooks: {public-key: WHPK}}",
            "a Standard Webhooks signature over an id, a time and the body, 300 s tolerated"
        ),
        ("{gitlab: {secret: SECRET}}", "GitLab's secret token in X-Gitlab-Token"),
        ("{gitlab: {signing-token: WHSEC}}", "GitLab's signature over an id, a time and the body, 300 s tolerated"),
        ("{bearer: {secret: SECRET}}", "a bearer token in Authorization"),
        ("{api-key: {secret: SECRET, header: X-Key}}", "an API key in X-Key"),
        ("{basic: {secret: SECRET, user: hub}}", "the password of user hub"),
        ("{path-secret: {secret: SECRET}}", "the secret in the path"),
        ("{hmac: {secret: SECRET, header: X-Mac}}", "X-Mac's signature over the body"),
        (
            "{hmac: {secret: SECRET, header: X-Mac, prefix: v1=, hash: sha512, encoding: base64, signed: '{id}.{timestamp}.{body}', timestamp-header: X-Time, id-header: X-Id, tolerance: 1m}}",
            "X-Mac's signature over an id, a time and the body, 60 s tolerated"
        ),
        (
            "{all: [{hookdeck: {secret: SECRET}}, {bearer: {secret: SECRET}}]}",
            "both Hookdeck's signature over the body and a bearer token in Authorization"
        ),
        (
            "{any: [{all: [{github: {secret: SECRET}}]}, {bearer: {secret: SECRET}}]}",
            "either GitHub's signature over the body or a bearer token in Authorization"
        ),
    ])
    func `a scheme is read and told in words`(verify: String, words: String) throws {
        #expect(problems(verify) == [])
        #expect(try read(verify).summary == words)
    }

    @Test(arguments: HookSettings.schemes.map(\.name).filter { $0 != "mtls" })
    func `each scheme but certificates asks for one or several secrets, none empty, and knows its keys`(name: String) throws {
        let more = ["api-key": "header: X-Key, ", "basic": "user: hub, ", "hmac": "header: X-Mac, "][name] ?? ""
        let one = name == "gitlab" ? "older secret token" : "write either `secret` or, while one replaces another, `secrets`"
        #expect(problems("{\(name): {\(more)}}").contains { $0.contains(one) })
        #expect(
            problems("{\(name): {\(more)secret: SECRET, secrets: [SECRET]}}")
                == [".\(name): write either `secret` or, while one replaces another, `secrets`"])
        #expect(problems("{\(name): {\(more)secrets: []}}") == [".\(name).secrets: expected a list of at least one secret"])
        let empty = try folder.write("empty", "\n")
        for secret in ["{file: \(empty)}", "{file: /nonexistent}", "{env: SALLYPORT_TEST_UNSET}", "hunter2", "{}"] {
            for place in ["secret: \(secret)", "secrets: [WHSEC, \(secret)]"] {
                let found = problems("{\(name): {\(more)\(place)}}")
                #expect(found.count == 1, "\(found)")
                #expect(!found.joined().contains("hunter2"))
            }
        }
        #expect(problems("{\(name): {\(more)secret: WHSEC, secrt: x}}").contains { $0.contains("unknown key") })
        #expect(!problems("{\(name): none}").isEmpty)
        let five = [String](repeating: "WHSEC", count: SignatureLimits.secrets + 1)
        let limit = "\(SignatureLimits.secrets + 1) secrets, the limit is \(SignatureLimits.secrets)"
        #expect(problems("{\(name): {\(more)secrets: [\(five.joined(separator: ", "))]}}") == [".\(name): \(limit)"])
        #expect(problems("{\(name): {\(more)secrets: [\(five.dropLast().joined(separator: ", "))]}}") == [])
    }

    @Test(arguments: [
        ("{}", ": expected one scheme"), ("{all: []}", ".all: expected a list of at least one scheme"),
        ("{any: []}", ".any: expected a list of at least one scheme"),
        ("{all: {hookdeck: {secret: SECRET}}}", ".all: expected a list"),
        ("{all: [none]}", ".all.1: expected a scheme such as `hookdeck: {secret: …}`; `none` stands alone"),
        ("{any: [{hookdeck: {secret: SECRET}}, none]}", ".any.2: expected a scheme"),
        ("{any: [{}]}", ".any.1: expected one scheme"),
        ("{hookdeck: {secret: SECRET}, github: {secret: SECRET}}", ": expected one scheme"),
        ("{all: [{hookdeck: {secret: SECRET}}], any: [{github: {secret: SECRET}}]}", ": expected one scheme"),
        ("{hookdek: {secret: SECRET}}", ".hookdek: unknown key; did you mean `hookdeck`?"),
        ("{github: {secret: SECRET, tolerance: 5m}}", ".github.tolerance: unknown key"),
        ("{slack: {secret: SECRET, tolerance: 0s}}", ".slack.tolerance: expected a time from 1s to 7d"),
        ("{slack: {secret: SECRET, tolerance: 500ms}}", ".slack.tolerance: expected a time from 1s to 7d"),
        ("{stripe: {secret: SECRET, tolerance: 8d}}", ".stripe.tolerance: expected a time from 1s to 7d"),
        ("{slack: {secret: SECRET, tolerance: none}}", ".slack.tolerance: expected a time"),
        ("{standard-webhooks: {secret: {file: /dev/null}}}", ".standard-webhooks.secret"),
        ("{standard-webhooks: {public-key: SECRET}}", ".standard-webhooks.public-key"),
        ("{standard-webhooks: {public-key: 'ed25519:abc'}}", ".standard-webhooks.public-key: not a Standard Webhooks public key"),
        (
            "{standard-webhooks: {secret: WHSEC, forward: true}}",
            ".standard-webhooks.forward: only a signature with a `public-key`"
        ),
        ("{standard-webhooks: {public-key: WHPK, forward: true}}", ": `forward` needs `body: true`"),
        ("{standard-webhooks: {public-keys: []}}", ".standard-webhooks.public-keys: expected a list of at least one public key"),
        ("{standard-webhooks: {public-keys: [WHPK, WHPK, WHPK]}}", ".standard-webhooks: 3 public keys, the limit is 2"),
        ("{standard-webhooks: {public-key: WHPK, public-keys: [WHPK]}}", ".standard-webhooks: write either `public-key`"),
        ("{standard-webhooks: {secret: WHSEC, headers: other}}", ".standard-webhooks.headers: expected one of webhook, svix"),
        ("{gitlab: {secret: SECRET, signing-token: WHSEC}}", ".gitlab: write either `signing-token`"),
        ("{gitlab: {secret: SECRET, tolerance: 5m}}", ".gitlab.tolerance: GitLab's secret token signs no time"),
        ("{gitlab: {signing-tokens: []}}", ".gitlab.signing-tokens: expected a list of at least one secret"),
        ("{api-key: {secret: SECRET}}", ".api-key: `header` is missing"),
        ("{api-key: {secret: SECRET, header: 'X Key'}}", ".api-key: not a header's name"),
        ("{basic: {secret: SECRET}}", ".basic: `user` is missing"),
        ("{basic: {secret: SECRET, user: 'a:b'}}", ".basic: a user's name"),
        ("{hmac: {secret: SECRET}}", ".hmac: `header` is missing"),
        ("{hmac: {secret: SECRET, header: 'X:Mac'}}", ".hmac: not a header's name"),
        ("{hmac: {secret: SECRET, header: X-Mac, hash: sha1}}", ".hmac.hash: expected one of sha256, sha512"),
        ("{hmac: {secret: SECRET, header: X-Mac, hash: md5}}", ".hmac.hash: expected one of sha256, sha512"),
        ("{hmac: {secret: SECRET, header: X-Mac, encoding: base32}}", ".hmac.encoding: expected one of hex, base64"),
        ("{hmac: {secret: SECRET, header: X-Mac, prefix: 'a b'}}", ".hmac: the prefix"),
        ("{hmac: {secret: SECRET, header: X-Mac, signed: '{timestamp}'}}", ".hmac.signed: {body} must stand in it once"),
        ("{hmac: {secret: SECRET, header: X-Mac, signed: '{timestamp}.{body}'}}", ".hmac: {timestamp} is signed where"),
        ("{hmac: {secret: SECRET, header: X-Mac, timestamp-header: X-Time}}", ".hmac: {timestamp} is signed where"),
        ("{hmac: {secret: SECRET, header: X-Mac, id-header: X-Id}}", ".hmac: {id} is signed where"),
        ("{hmac: {secret: SECRET, header: X-Mac, tolerance: 5m}}", ".hmac.tolerance: no time is signed"),
    ])
    func `what is wrong is refused and named`(verify: String, start: String) {
        let found = problems(verify)
        #expect(found.contains { $0.hasPrefix(start) }, "\(found)")
    }

    @Test func `a secret that is none of its scheme is refused and not repeated`() throws {
        let short = try folder.write("short", "0123456789abcde\n")
        let quoted = try folder.write("quoted", "0123456789abcde/\n")
        let broken = try folder.write("broken", "whsec_0123456789abcde\n")
        for (scheme, file) in [("path-secret", short), ("path-secret", quoted), ("standard-webhooks", broken)] {
            let found = problems("{\(scheme): {secret: {file: \(file)}}}")
            #expect(found.count == 1)
            #expect(!found.joined().contains("0123456789abcde"))
        }
    }

    @Test func `schemes are limited in number and depth`() {
        func list(_ count: Int) -> String {
            [String](repeating: "{bearer: {secret: SECRET}}", count: count).joined(separator: ", ")
        }
        #expect(problems("{any: [\(list(SignatureLimits.schemes))]}") == [])
        #expect(problems("{any: [\(list(SignatureLimits.schemes + 1))]}") == [": 9 schemes, the limit is 8"])
        func nest(_ depth: Int) -> String {
            String(repeating: "{all: [", count: depth) + list(1) + String(repeating: "]}", count: depth)
        }
        #expect(problems(nest(SignatureLimits.depth)) == [])
        #expect(problems(nest(SignatureLimits.depth + 1)).count == 1)
    }

    @Test func `all problems of a tree come at once`() {
        #expect(problems("{all: [{hookdeck: {}}, {github: {secret: x}}, {other: {}}]}").count == 3)
    }

    @Test func `a tree that was read verifies`() throws {
        let verification = try read(
            "{all: [{any: [{github: {secret: SECRET}}, {gitea: {secret: SECRET}}]}, {path-secret: {secret: SECRET}}]}")
        let scheme = try HMACScheme(.gitea, secrets: [SecretBytes(copying: "0123456789abcdef".utf8)])
        let header = try scheme.sign(WebhookMessage(body: [1], id: "", time: 0)).headers
        func view(_ uri: String) -> RequestHeadView {
            RequestHeadView(
                HTTPRequestHead(
                    version: .http1_1, method: .POST, uri: uri, headers: HTTPHeaders(header.map { ($0.name, $0.value) })))
        }
        let check = try verification.begin(view("/hooks/github/0123456789abcdef"), now: 0)
        check.update([1])
        #expect(throws: Never.self) { try check.finish(body: [1]) }
        #expect(throws: WebhookRefusal.self) { try verification.begin(view("/hooks/github/0123456789abcdee"), now: 0) }
        #expect(throws: WebhookRefusal.self) { try verification.begin(view("/hooks/github"), now: 0) }
    }
}
