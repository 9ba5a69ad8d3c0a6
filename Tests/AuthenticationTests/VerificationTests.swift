import Authentication
import Testing

/// Several schemes for one hook.
struct VerificationTests {
    private static let body = "Hello, World!"
    private let hookdeck: HMACScheme
    private let github: HMACScheme
    private let bearer: SharedToken
    private let message = WebhookMessage(body: Array(body.utf8), id: "", time: 0)

    init() throws {
        hookdeck = try HMACScheme(.hookdeck, secrets: [SecretBytes("hookdeck")])
        github = try HMACScheme(.github, secrets: [SecretBytes("github")])
        bearer = try SharedToken(.bearer, secrets: [SecretBytes("token")])
    }

    private func signed(by schemes: [any WebhookScheme]) throws -> SampleHead {
        SampleHead(try schemes.flatMap { try $0.sign(message).headers })
    }

    @Test func `all asks for every one`() throws {
        let all = Verification.all([.scheme(hookdeck), .scheme(github), .scheme(bearer)])
        #expect(all.outcome(try signed(by: [hookdeck, github, bearer]), Self.body) == .valid)
        #expect(all.outcome(try signed(by: [hookdeck, github, bearer]), Self.body + ".") == .atEnd(.mismatch))
        for schemes: [any WebhookScheme] in [[hookdeck, github], [hookdeck, bearer], [github, bearer], []] {
            #expect(all.outcome(try signed(by: schemes), Self.body) == .atHead(.missing))
        }
        let forged = try signed(by: [hookdeck, github, bearer]).with(
            "X-Hub-Signature-256", "sha256=" + String(repeating: "0", count: 64))
        #expect(all.outcome(forged, Self.body) == .atEnd(.mismatch))
        let stranger = try signed(by: [hookdeck, github]).with("Authorization", "Bearer other")
        #expect(all.outcome(stranger, Self.body) == .atHead(.mismatch))
    }

    @Test func `any asks for one, whatever the others have`() throws {
        let any = Verification.any([.scheme(hookdeck), .scheme(github), .scheme(bearer)])
        for schemes: [any WebhookScheme] in [[hookdeck], [github], [bearer], [hookdeck, github, bearer]] {
            #expect(any.outcome(try signed(by: schemes), Self.body) == .valid)
        }
        #expect(any.outcome(try signed(by: [github]).with("X-Hookdeck-Signature", "malformed"), Self.body) == .valid)
        #expect(any.outcome(try signed(by: [hookdeck, github]), Self.body + ".") == .atEnd(.mismatch))
        #expect(any.outcome(SampleHead(), Self.body) == .atHead(.missing))
        #expect(any.outcome(SampleHead([("Authorization", "Bearer other")]), Self.body) == .atHead(.mismatch))
    }

    @Test func `trees stand in trees`() throws {
        let tree = Verification.any([.all([.scheme(hookdeck), .scheme(github)]), .all([.scheme(hookdeck), .scheme(bearer)])])
        #expect(tree.outcome(try signed(by: [hookdeck, github]), Self.body) == .valid)
        #expect(tree.outcome(try signed(by: [hookdeck, bearer]), Self.body) == .valid)
        #expect(tree.outcome(try signed(by: [github, bearer]), Self.body) == .atHead(.missing))
        #expect(tree.outcome(try signed(by: [hookdeck, github]), Self.body + ".") == .atEnd(.mismatch))
        let other = Verification.all([.any([.scheme(hookdeck), .scheme(github)]), .scheme(bearer)])
        #expect(other.outcome(try signed(by: [github, bearer]), Self.body) == .valid)
        #expect(other.outcome(try signed(by: [hookdeck, github]), Self.body) == .atHead(.missing))
    }

    @Test func `without parts nothing passes`() throws {
        let head = try signed(by: [hookdeck, github, bearer])
        for nothing: Verification in [.all([]), .any([]), .all([.all([])]), .any([.any([]), .all([])])] {
            #expect(nothing.outcome(head, Self.body) == .atHead(.missing))
        }
    }

    @Test func `the refusal of alternatives says what each one lacks and names their challenges`() throws {
        let any = Verification.any([.scheme(hookdeck), .scheme(github), .scheme(bearer)])
        let refusal = try #require(any.refusal(SampleHead([("X-Hub-Signature-256", "x")])))
        #expect(refusal.reason == .malformed)
        #expect(
            refusal.detail
                == "none of the schemes accepts it: hookdeck: X-Hookdeck-Signature is missing; "
                + "github: X-Hub-Signature-256 is not `sha256=` and hex of 32 bytes; bearer: Authorization is missing")
        #expect(refusal.challenges == ["Hookdeck-Signature", "GitHub-Signature", "Bearer realm=\"sallyport\""])
        let all = Verification.all([.scheme(hookdeck), .scheme(github)])
        #expect(all.refusal(SampleHead())?.challenges == ["Hookdeck-Signature"])
        #expect(all.refusal(SampleHead())?.detail == "X-Hookdeck-Signature is missing")
    }

    @Test func `words say what a sender must have`() throws {
        let (one, two, three) = (Verification.scheme(hookdeck), Verification.scheme(github), Verification.scheme(bearer))
        #expect(one.summary == "Hookdeck's signature over the body")
        #expect(
            Verification.all([one, two]).summary == "both Hookdeck's signature over the body and GitHub's signature over the body"
        )
        #expect(
            Verification.any([one, three]).summary
                == "either Hookdeck's signature over the body or a bearer token in Authorization")
        #expect(Verification.all([one, one, three]).summary.hasPrefix("all of Hookdeck's signature over the body and "))
        #expect(
            Verification.any([.all([one, two]), three]).summary
                == "either (both Hookdeck's signature over the body and GitHub's signature over the body) or a bearer token in Authorization"
        )
        #expect(Verification.all([one]).summary == one.summary)
        #expect(
            try HMACScheme(.slack, secrets: [SecretBytes("k")], tolerance: 60).about.summary
                == "Slack's signature over a time and the body, 60 s tolerated")
    }

    @Test func `a hook's path has a secret where one of its schemes says so`() throws {
        let path = Verification.scheme(try PathSecret(secrets: [SecretBytes("0123456789abcdef")]))
        #expect(path.usesPath)
        #expect(Verification.any([.scheme(hookdeck), .all([path])]).usesPath)
        #expect(!Verification.all([.scheme(hookdeck), .scheme(bearer)]).usesPath)
    }
}
