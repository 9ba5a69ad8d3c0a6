import Foundation
import HookdeckStandIn
import JSON
import TestSupport
import Testing

/// `deploy/hookdeck/setup` against a stand-in of the API, and what it made against the real gates.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct HookdeckSetupTests {
    private let folder: TemporaryFolder
    private let api: HookdeckAPI

    init() throws {
        folder = try TemporaryFolder()
        api = try HookdeckAPI(key: "key-of-the-api")
    }

    /// With a curl that writes down how it was called.
    private func setUp(_ url: String, token: String, key: String = "key-of-the-api", more: [String: String] = [:]) throws
        -> Command
    {
        _ = try folder.write(
            "curl", "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\(folder.path)/argv\nexec /usr/bin/curl \"$@\"\n", mode: 0o700)
        return try Command.run(
            DeployedFiles.folder.appending(path: "setup").path, [url],
            environment: [
                "PATH": "\(folder.path):/usr/bin:/bin", "HOOKDECK_API_BASE": "http://127.0.0.1:\(api.port)",
                "HOOKDECK_API_KEY": key, "SOURCE_SECRET": "secret-of-github", "SALLYPORT_TOKEN": token,
            ].merging(more) { $1 })
    }

    @Test func `what setup makes takes a push from the source to the command, with the token that the transformation adds`()
        throws
    {
        let bed = try TestBed()
        let made = try setUp("http://127.0.0.1:\(bed.httpPort)/hooks/github", token: bed.token)
        #expect(made.code == 0, "\(made.errors)")
        #expect(made.output.contains("deliver to https://hkdk.events/src_"))
        let hookdeck = HookdeckStandIn(try api.connection("github"), secret: try bed.hookdeckSecret, timeout: 2000)
        let headers = [("Content-Type", "application/json"), ("X-GitHub-Event", "push"), ("X-Sallyport-Token", "forged")]
        let id = try #require(try hookdeck.receive(Array(TestBed.push.utf8), headers: headers))
        let event = try hookdeck.settled(id)
        #expect(event.statuses == [200], "\(event.attempts.map(\.body))")
        #expect(event.attempts[0].header("X-Hookdeck-Connection-Name") == "github")
        #expect(event.attempts[0].header("X-Hookdeck-Destination-Name") == "github-ingress")
        // What the filter leaves out is no event.
        let other = TestBed.push.replacingOccurrences(of: "heads/main", with: "heads/other")
        #expect(try hookdeck.receive(Array(other.utf8), headers: headers) == nil)
        // A second run changes, and makes nothing new.
        let before = api.thing("connections", "github")
        #expect(try setUp("http://127.0.0.1:\(bed.httpPort)/hooks/github", token: bed.mint()).output == made.output)
        #expect(api.thing("connections", "github") == before)
        for kind in ["sources", "transformations", "destinations", "connections"] { #expect(api.count(kind) == 1, "\(kind)") }
    }

    @Test func `after a token has expired a new one helps what comes in or is replayed, and not what is only retried`() throws {
        let bed = try TestBed()
        let url = "http://127.0.0.1:\(bed.httpPort)/hooks/github"
        #expect(try setUp(url, token: bed.mint(["--lifetime=-120"])).code == 0)
        let hookdeck = HookdeckStandIn(try api.connection("github"), secret: try bed.hookdeckSecret, timeout: 2000)
        let headers = [("Content-Type", "application/json"), ("X-GitHub-Event", "push")]
        let id = try #require(try hookdeck.receive(Array(TestBed.push.utf8), headers: headers))
        #expect(try hookdeck.settled(id).statuses == [401])
        #expect(try setUp(url, token: bed.token).code == 0)
        hookdeck.change(to: try api.connection("github"))
        hookdeck.retry(id)
        #expect(try hookdeck.settled(id).statuses == [401, 401])
        let replayed = try #require(try hookdeck.replay(id))
        #expect(try hookdeck.settled(replayed).statuses == [200])
        #expect(try bed.jobs().count == 1)
    }

    @Test func `no secret is an argument of any program`() throws {
        #expect(try setUp("https://hooks.example.com/hooks/github", token: "token-of-the-caller").code == 0)
        let arguments = try String(contentsOfFile: "\(folder.path)/argv", encoding: .utf8)
        #expect(arguments.contains("/2026-09-01/connections"))
        for secret in ["key-of-the-api", "secret-of-github", "token-of-the-caller"] { #expect(!arguments.contains(secret)) }
        #expect(api.thing("sources", "github")?["config"]?["auth"]?["webhook_secret_key"]?.string == "secret-of-github")
    }

    @Test func `the destination signs and takes as many at once as is said`() throws {
        #expect(try setUp("https://hooks.example.com/hooks/github", token: "t", more: ["CONCURRENT": "7"]).code == 0)
        let config = api.thing("destinations", "github-ingress")?["config"]
        #expect(config?["auth_type"]?.string == "HOOKDECK_SIGNATURE")
        #expect(config?["delivery_policy"]?["rate"]?.number?.int64 == 7)
        #expect(config?["delivery_policy"]?["period"]?.string == "concurrent")
    }

    @Test func `another sender's authentication is passed on as it is`() throws {
        let made = try setUp(
            "https://hooks.example.com/hooks/lab", token: "t",
            more: ["NAME": "lab", "SOURCE_TYPE": "GITLAB", "SOURCE_AUTH": #"{"api_key":"of-gitlab"}"#])
        #expect(made.code == 0, "\(made.errors)")
        #expect(api.thing("sources", "lab")?["type"]?.string == "GITLAB")
        #expect(api.thing("sources", "lab")?["config"]?["auth"]?["api_key"]?.string == "of-gitlab")
    }

    @Test func `what is wrong is said, and nothing is made`() throws {
        let wrong: [(String, [String: String], String)] = [
            ("http://hooks.example.com/hooks/github", [:], "use https"),
            ("https://hooks.example.com/", ["HOOKDECK_API_KEY": "wrong"], "HOOKDECK_API_KEY is not accepted"),
            ("https://hooks.example.com/", ["HOOKDECK_API_KEY": ""], "HOOKDECK_API_KEY is not set"),
            ("https://hooks.example.com/", ["SALLYPORT_TOKEN": ""], "SALLYPORT_TOKEN is not set"),
            ("https://hooks.example.com/", ["SOURCE_SECRET": ""], "neither SOURCE_SECRET nor SOURCE_AUTH"),
            ("https://hooks.example.com/", ["SOURCE_AUTH": "{"], "SOURCE_AUTH is no JSON"),
            ("https://hooks.example.com/", ["NAME": "a b"], "letters, digits"),
            ("https://hooks.example.com/", ["CONCURRENT": "0"], "a whole number"),
            ("https://hooks.example.com/", ["HOOKDECK_API_BASE": "http://127.0.0.1:1"], "cannot be reached"),
        ]
        for (url, more, said) in wrong {
            let made = try setUp(url, token: "t", more: more)
            #expect(made.code == 1 && made.errors.contains(said), "\(said): \(made.errors)")
        }
        #expect(api.count("sources") == 0)
    }
}
