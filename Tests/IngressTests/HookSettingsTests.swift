import Authentication
import NIOCore
import Settings
import TestSupport
import Testing

@testable import Ingress

@Suite struct HookSettingsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func read(_ text: String) -> (hooks: [Hook], problems: [String]) {
        var hooks: [Hook] = []
        do throws(SettingsProblems) {
            let file = try SettingsFile(text: text, file: "ingress.yaml")
            hooks = file.root.entries().compactMap { HookSettings.hook($0.name, $0.value) }
            try file.finish()
            return (hooks, [])
        } catch {
            return (hooks, error.problems.map(\.description))
        }
    }

    private func problems(_ settings: String) -> [String] { read("github: {job: deploy, \(settings)}").problems }

    @Test func `a hook that says little has careful defaults`() throws {
        let hook = try Samples.hook()
        #expect(hook.name == "github")
        #expect(hook.job == "deploy")
        #expect(hook.verification == nil)
        #expect(hook.token == nil)
        #expect(hook.response == .sync)
        #expect(hook.wait == .seconds(25))
        #expect(hook.maximumBody == 1024 * 1024)
        #expect(!hook.sendsBody)
        #expect(!hook.honoursManualRetry)
        #expect(!hook.readsPayload)
        guard case .header("x-hookdeck-eventid") = hook.eventID, case .header("x-hookdeck-attempt-count") = hook.attempt else {
            Issue.record("event id and attempt are not Hookdeck's")
            return
        }
    }

    @Test func `a hook that says all is read whole`() throws {
        let secret = try folder.write("secret", "hookdeck-signing-secret\n")
        let jwks = try folder.write("jwks.json", Ed25519PrivateKey.generate().publicKey.jwks(keyID: "ci"))
        let (hooks, problems) = read(
            """
            github:
              verify: { hookdeck: { secret: { file: \(secret) } } }
              token: { header: X-Token, forward: true, issuer: ci, audience: sallyport, keys: { file: \(jwks) } }
              job: deploy
              parameters: { sha: { payload: /after }, env: { query: env }, by: { header: X-User }, mode: { literal: "" } }
              destination: { payload: /host }
              event-id: { header: X-GitHub-Delivery }
              attempt: { literal: "3" }
              manual-retry: true
              body: true
              respond: async
              wait: 300s
              maximum-body: 512B
            """)
        #expect(problems == [])
        let hook = try #require(hooks.first)
        #expect(hook.parameters.map(\.name) == ["sha", "env", "by", "mode"])
        #expect(hook.destination?.isPayload == true)
        #expect(hook.token?.places.map(\.description) == ["header X-Token"])
        #expect(hook.token?.forward == true)
        #expect(hook.honoursManualRetry)
        #expect(hook.sendsBody)
        #expect(hook.readsPayload)
        #expect(hook.response == .async)
        #expect(hook.wait == .seconds(300))
        #expect(hook.maximumBody == 512)
        // The newline at the end of the file is no part of the secret.
        let expected = try HMACScheme(.hookdeck, secrets: [SecretBytes(copying: "hookdeck-signing-secret".utf8)])
        let message = WebhookMessage(body: [1, 2], id: "", time: 0)
        #expect(
            try hook.verification?.schemes.map { try $0.sign(message).headers[0].value } == [
                expected.sign(message).headers[0].value
            ])
    }

    @Test func `an unsigned hook must say so in writing`() {
        let text = "expected a scheme such as `hookdeck: {secret: …}`, or `none` written out"
        #expect(problems("verify: none") == [])
        #expect(problems("wait: 1s") == ["ingress.yaml:1: github: `verify` is missing"])
        for value in ["None", "off", "false", "hookdeck"] {
            #expect(problems("verify: \(value)") == ["ingress.yaml:1: github.verify: \(text)"], "\(value)")
        }
        for value in [
            "", "~", "[none]", "{}", "{none: {}}", "{hookdeck: {}}", "{hookdeck: none}", "{github: {secret: {env: A}}}",
            "{hookdeck: {secrets: []}}",
        ] {
            #expect(!problems("verify: \(value)").isEmpty, "\(value)")
        }
    }

    @Test func `a secret that is empty, written out or not there is a problem, and is not repeated`() throws {
        let empty = try folder.write("empty", "\n")
        for secret in ["hunter2", "{file: \(empty)}", "{file: /nonexistent}", "{env: SALLYPORT_TEST_UNSET}", "{}"] {
            let found = problems("verify: {hookdeck: {secret: \(secret)}}")
            #expect(found.count == 1, "\(secret)")
            #expect(found.first?.hasPrefix("ingress.yaml:1: github.verify.hookdeck") == true, "\(found)")
            #expect(found.first?.contains("hunter2") == false)
        }
    }

    @Test func `of secrets there is one, or a list while one replaces another`() throws {
        let (old, new) = (try folder.write("old", "old-secret"), try folder.write("new", "new-secret"))
        #expect(problems("verify: {hookdeck: {secrets: [{file: \(old)}, {file: \(new)}]}}") == [])
        #expect(
            problems("verify: {hookdeck: {secret: {file: \(old)}, secrets: [{file: \(new)}]}}") == [
                "ingress.yaml:1: github.verify.hookdeck: write either `secret` or, while one replaces another, `secrets`"
            ])
    }

    @Test func `all problems come at once, each with its line`() {
        let text = """
            github:
              verify: yes
              job: deploy
              parameters:
                sha: { payload: after }
                ref: { payload: /ref, header: X-Ref }
                env: prod
              wait: 99ms
              respond: later
              maximum-body: 26MiB
              tokn: {}
            gitlab: { job: "no name", verify: none, token: { audience: a } }
            """
        #expect(
            read(text).problems == [
                "ingress.yaml:2: github.verify: expected a scheme such as `hookdeck: {secret: …}`, or `none` written out",
                "ingress.yaml:5: github.parameters.sha.payload: a JSON pointer begins with `/`",
                "ingress.yaml:6: github.parameters.ref: expected one of {payload: /pointer}, {header: Name}, {query: name}, {claim: name}, {literal: text}",
                "ingress.yaml:7: github.parameters.env: expected one of {payload: /pointer}, {header: Name}, {query: name}, {claim: name}, {literal: text}",
                "ingress.yaml:8: github.wait: expected a time from 100ms to 5m",
                "ingress.yaml:9: github.respond: expected one of sync, async",
                "ingress.yaml:10: github.maximum-body: expected 0 to 26214400 bytes",
                "ingress.yaml:11: github.tokn: unknown key; did you mean `token`?",
                "ingress.yaml:12: gitlab.job: not a name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit, 64 at most",
                "ingress.yaml:12: gitlab.token: `issuer` is missing",
                "ingress.yaml:12: gitlab.token: write either `keys: {file: …}` with a JWKS file or `secret: {…}` with a shared secret",
            ])
    }

    @Test(arguments: [
        ("wait: 100ms", true), ("wait: 5m", true), ("wait: 301s", false), ("maximum-body: 25MiB", true),
        ("maximum-body: 0B", true),
        ("maximum-body: 1MiB, body: true", true), ("maximum-body: 2MiB, body: true", false), ("respond: async", true),
        ("respond: Sync", false), ("manual-retry: yes", false), ("body: 1", false), ("event-id: x", false),
        ("event-id: {}", false), ("attempt: {payload: /a, query: b}", false), ("destination: {query: host}", true),
    ])
    func `a value is within its range or refused`(setting: String, isGood: Bool) {
        #expect(problems("verify: none, \(setting)").isEmpty == isGood)
    }

    @Test func `parameters are limited in number`() {
        func parameters(_ count: Int) -> String { (0..<count).map { "p\($0): {literal: x}" }.joined(separator: ", ") }
        #expect(problems("verify: none, parameters: {\(parameters(64))}") == [])
        #expect(
            problems("verify: none, parameters: {\(parameters(65))}") == [
                "ingress.yaml:1: github.parameters: 65 parameters, the limit is 64"
            ])
    }
}
