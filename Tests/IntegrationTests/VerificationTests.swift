import Foundation
import TestSupport
import Testing

/// Schemes with the real binaries: what `sallyport send` signs, the ingress accepts, and nothing else.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct VerificationTests {
    static let bed = Result { try makeBed() }
    var bed: TestBed { get throws { try Self.bed.get() } }

    /// Name of the hook, its `verify` with SECRET for the place of its secret, and the options of `send`.
    static let schemes: [(name: String, verify: String, options: [String])] = [
        ("gh", "{ github: { secret: SECRET } }", ["--scheme", "github"]),
        ("lab", "{ gitlab: { signing-token: WHSEC } }", ["--scheme", "gitlab"]),
        ("lab-token", "{ gitlab: { secret: SECRET } }", ["--scheme", "gitlab-token"]),
        ("forgejo", "{ forgejo: { secret: SECRET } }", ["--scheme", "forgejo"]),
        ("bitbucket", "{ bitbucket: { secret: SECRET } }", ["--scheme", "bitbucket"]),
        ("standard", "{ standard-webhooks: { secret: WHSEC } }", ["--scheme", "standard-webhooks"]),
        ("svix", "{ standard-webhooks: { secret: WHSEC, headers: svix } }", ["--scheme", "svix"]),
        ("stripe", "{ stripe: { secret: SECRET } }", ["--scheme", "stripe"]),
        ("slack", "{ slack: { secret: SECRET } }", ["--scheme", "slack"]),
        ("shopify", "{ shopify: { secret: SECRET } }", ["--scheme", "shopify"]),
        (
            "own",
            "{ hmac: { secret: SECRET, header: X-Mac, hash: sha512, signed: '{timestamp}.{body}', timestamp-header: X-Time } }",
            [
                "--scheme", "hmac", "--signature-header", "X-Mac", "--hash", "sha512", "--signed", "{timestamp}.{body}",
                "--timestamp-header", "X-Time",
            ]
        ),
        ("bearer", "{ bearer: { secret: SECRET } }", ["--scheme", "bearer"]),
        ("key", "{ api-key: { secret: SECRET, header: X-Key } }", ["--scheme", "api-key", "--signature-header", "X-Key"]),
        ("basic", "{ basic: { secret: SECRET, user: hub } }", ["--scheme", "basic", "--user", "hub"]),
        ("hub", "{ path-secret: { secret: SECRET } }", ["--scheme", "path-secret"]),
    ]

    static func makeBed() throws -> TestBed {
        let jobs = """
              note:
                command: [echo, noted]
                destinations: [web-1]
                timeout: 10s

            """
        let bed = try TestBed(jobs: jobs, start: false)
        for (name, text) in [
            ("secret", "an-own-secret-of-this-test\n"), ("other", "another-secret-of-this-test\n"),
            ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"),
            ("standard-other", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n"),
        ] {
            let path = bed.box.appending(path: "secrets/\(name)").path
            guard
                FileManager.default.createFile(
                    atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
            else { throw TestBedError("cannot write \(path)") }
        }
        let key = try Command.run(
            try TestBed.binary("sallyport"), ["keygen", bed.box.appending(path: "secrets/v1a").path, "--form", "webhook"])
        let hookdeck = "{ hookdeck: { secret: { file: \(bed.box.path)/secrets/hookdeck } } }"
        let more = [
            ("v1a", "{ standard-webhooks: { public-key: '\(key.output.trimmingCharacters(in: .newlines))' } }"),
            ("both", "{ all: [\(hookdeck), { github: { secret: SECRET } }] }"),
            ("either", "{ any: [\(hookdeck), { path-secret: { secret: SECRET } }] }"),
        ]
        for (name, verify) in schemes.map({ ($0.name, $0.verify) }) + more {
            let verify = verify.replacingOccurrences(of: "SECRET", with: "{ file: \(bed.box.path)/secrets/secret }")
                .replacingOccurrences(of: "WHSEC", with: "{ file: \(bed.box.path)/secrets/standard }")
            try bed.append("  \(name):\n    verify: \(verify)\n    job: note\n", to: "ingress.yaml")
        }
        try bed.start()
        return bed
    }

    func secret(_ name: String) throws -> String { try bed.box.appending(path: "secrets/\(name)").path }

    /// Status and text of what `send` printed.
    func send(_ hook: String, _ options: [String], file: String? = nil) throws -> (status: Int, text: String) {
        let sent = try Command.run(
            try TestBed.binary("sallyport"),
            ["send", "http://127.0.0.1:\(try bed.httpPort)/hooks/\(hook)", try file ?? bed.box.appending(path: "push.json").path]
                + options)
        return (Int(sent.output.prefix(3)) ?? 0, sent.output + sent.errors)
    }

    @Test(arguments: schemes.map(\.name)) func `what send signs is accepted, with another secret or none it is not`(name: String)
        throws
    {
        let scheme = try #require(Self.schemes.first { $0.name == name })
        let isStandard = scheme.verify.contains("WHSEC")
        let right = try secret(isStandard ? "standard" : "secret")
        let wrong = try secret(isStandard ? "standard-other" : "other")
        let accepted = try send(name, scheme.options + ["--secret", right])
        #expect(accepted.status == 200, "\(accepted.text)")
        let refused = try send(name, scheme.options + ["--secret", wrong])
        #expect(refused.status == 401, "\(refused.text)")
        #expect(refused.text.contains("WWW-Authenticate: "))
        #expect(try send(name, []).status == 401)
    }

    @Test(arguments: ["lab", "standard", "svix", "stripe", "slack", "own"])
    func `a signature of another time is refused`(name: String) throws {
        let scheme = try #require(Self.schemes.first { $0.name == name })
        let options = scheme.options + ["--secret", try secret(scheme.verify.contains("WHSEC") ? "standard" : "secret")]
        #expect(try send(name, options + ["--age=240"]).status == 200)
        #expect(try send(name, options + ["--age=360"]).status == 401)
        #expect(try send(name, options + ["--age=-360"]).status == 401)
    }

    @Test func `a signature of a private key is accepted by whoever has the public one`() throws {
        #expect(try send("v1a", ["--scheme", "standard-webhooks-v1a", "--secret", secret("v1a")]).status == 200)
        let other = try secret("other-key")
        _ = try Command.run(try TestBed.binary("sallyport"), ["keygen", other])
        #expect(try send("v1a", ["--scheme", "standard-webhooks-v1a", "--secret", other]).status == 401)
    }

    @Test func `all asks for both signatures, any for one`() throws {
        let hookdeck = ["--scheme", "hookdeck", "--secret", try secret("hookdeck")]
        let github = ["--scheme", "github", "--secret", try secret("secret")]
        #expect(try send("both", hookdeck + github).status == 200)
        #expect(try send("both", hookdeck).status == 401)
        #expect(try send("both", github).status == 401)
        #expect(try send("either", hookdeck).status == 200)
        #expect(try send("either", ["--secret", try secret("hookdeck")]).status == 200)
        #expect(try send("either", ["--scheme", "path-secret", "--secret", try secret("secret")]).status == 200)
        let refused = try send("either", github)
        #expect(refused.status == 401)
        #expect(refused.text.contains("WWW-Authenticate: Hookdeck-Signature, Path-Secret"))
    }

    @Test func `a secret in the path stands in no log and no metric, right or wrong`() throws {
        let hub = "http://127.0.0.1:\(try bed.httpPort)/hooks/hub/"
        for path in ["an-own-secret-of-this-test", "a-wrong-secret-of-this-test", "an-own-secret-of-this-test/more", ""] {
            let answer = try Command.run("/usr/bin/curl", ["-s", "-i", "--data-binary", "{}", hub + path])
            #expect(answer.output.hasPrefix(path == "an-own-secret-of-this-test" ? "HTTP/1.1 200" : "HTTP/1.1 401"), "\(path)")
            #expect(!answer.output.contains("secret-of-this-test"))
        }
        // A hook without that scheme has nothing behind its name.
        let elsewhere = try Command.run(
            "/usr/bin/curl",
            ["-s", "-i", "--data-binary", "{}", "http://127.0.0.1:\(try bed.httpPort)/hooks/gh/an-own-secret-of-this-test"])
        #expect(elsewhere.output.hasPrefix("HTTP/1.1 404"))
        let metrics = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(bed.operationsPort)/metrics"]).output
        #expect(metrics.contains("hook=\"hub\",outcome=\"signature-mismatch\""))
        for text in [try bed.ingress.text, try bed.executor.text, metrics] { #expect(!text.contains("secret-of-this-test")) }
    }

    @Test func `a stored delivery is sent as it is, or signed anew`() throws {
        let body = #"{"stored": true}"#
        let mac = try Command.run(
            "/usr/bin/openssl", ["dgst", "-sha256", "-hmac", "an-own-secret-of-this-test", "-r"], input: Data(body.utf8)
        ).output.prefix(64)
        let raw =
            "POST /elsewhere HTTP/1.1\r\nHost: example.com\r\nContent-Length: 16\r\nX-Hub-Signature-256: sha256=\(mac)\r\n\r\n\(body)\n"
        let json =
            #"{"headers": {"Content-Type": "application/json", "X-Hub-Signature-256": ["sha256=\#(mac)"]}, "body": "{\"stored\": true}"}"#
        let pairs =
            #"{"headers": [["X-Hub-Signature-256", "sha256=\#(mac)"]], "body-base64": "\#(Data(body.utf8).base64EncodedString())"}"#
        for (index, text) in [raw, json, pairs].enumerated() {
            let file = try bed.folder.appending(path: "stored-\(index)").path
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try send("gh", ["--stored"], file: file).status == 200, "\(index)")
            #expect(try send("gh", ["--stored", "-H", "X-Hub-Signature-256: sha256=00"], file: file).status == 401)
            let wrong = ["--stored", "--scheme", "github", "--secret", try secret("other")]
            #expect(try send("gh", wrong, file: file).status == 401)
            #expect(
                try send("slack", ["--stored", "--scheme", "slack", "--secret", try secret("secret")], file: file).status == 200)
        }
    }

    @Test func `what send cannot do it says before it sends`() throws {
        let file = try bed.folder.appending(path: "no-delivery").path
        for text in ["", "no header\n\n", #"{"headers": 1, "body": ""}"#, #"{"headers": {}}"#, "Content-Length: 9\n\nshort"] {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let sent = try send("gh", ["--stored"], file: file)
            #expect(sent.status == 0)
            #expect(sent.text.hasPrefix("sallyport: "), "\(sent.text)")
        }
        #expect(try send("gh", ["--scheme", "github"]).text.contains("give one secret file for each scheme"))
        #expect(try send("gh", ["--scheme", "nobody", "--secret", secret("secret")]).text.contains("not known"))
        #expect(
            try send("gh", ["--scheme", "hmac", "--secret", secret("secret")]).text.contains("--signature-header is missing"))
    }

    @Test func `check tells each hook's verification in words`() throws {
        let checked = try Command.run(
            try TestBed.binary("sallyport-ingress"), ["check", "--config", try bed.box.appending(path: "ingress.yaml").path])
        #expect(checked.code == 0, "\(checked.errors)")
        for words in [
            "hook hub: POST /hooks/hub/{secret} asks for job note on behalf of whoever has the secret in the path",
            "hook both: POST /hooks/both asks for job note on behalf of whoever has both Hookdeck's signature over the body and GitHub's signature over the body",
            "hook either: POST /hooks/either/{secret} asks for job note on behalf of whoever has either Hookdeck's signature over the body or the secret in the path",
        ] { #expect(checked.output.contains(words), "\(checked.output)") }
        #expect(!checked.output.contains("of-this-test"))
    }
}
