import Foundation
import TestSupport
import Testing

/// The caller's token, from where it is minted to the executor that looks at it again.
@Suite(.serialized, .timeLimit(.minutes(6)))
struct TokenTests {
    static let bed = Result { try TestBed(jobs: jobs, hooks: hooks) }
    var bed: TestBed { get throws { try Self.bed.get() } }

    static let issuer = "issuer: sallyport-init, audience: sallyport, keys: { file: token-keys.json }"

    static let jobs = """
          greet:
            command: [echo, hello]
            destinations: [web-1]
            timeout: 10s
          guarded:
            command: [echo, guarded]
            destinations: [web-1]
            timeout: 10s
            token: { \(issuer), binds-body: true, maximum-age: 5m, claims: { groups: { contains: deployers }, ref: { pattern: "refs/heads/.*" } } }

        """

    static let hooks =
        hook("own", "header: X-Own") + hook("bearer", "authorization: bearer") + hook("body", "payload: /auth/token")
        + hook("any", "header: X-Own, authorization: bearer, payload: /auth/token") + hook("once", "once: true")
        + hook("guarded", "forward: true", job: "guarded")

    static func hook(_ name: String, _ token: String, job: String = "greet") -> String {
        """
          \(name):
            verify: none
            token: { \(token), \(issuer) }
            job: \(job)

        """
    }

    private func send(
        _ hook: String, _ body: String = "{}", event: String? = nil, attempt: Int = 1, _ headers: String...
    ) throws -> HookAnswer {
        try bed.deliver(
            body, hook: hook, event: event, attempt: attempt, signature: nil, token: nil, more: headers.flatMap { ["-H", $0] })
    }

    @Test func `a token is taken from where the hook says, and from nowhere else`() throws {
        let token = try bed.token
        let (own, bearer, body) = ("X-Own: \(token)", "Authorization: Bearer \(token)", "{\"auth\":{\"token\":\"\(token)\"}}")
        for (hook, right) in [("own", 0), ("bearer", 1), ("body", 2)] {
            let answers = [try send(hook, "{}", own), try send(hook, "{}", bearer), try send(hook, body)]
            for (place, answer) in answers.enumerated() {
                #expect(answer.status == (place == right ? 200 : 401), "\(hook) \(place): \(answer.text)")
                #expect(place != right || answer["stdout"] == "hello\n")
                #expect(place == right || answer.headers["www-authenticate"]?.hasPrefix("Bearer ") == true)
            }
        }
        for answer in [try send("any", "{}", own), try send("any", "{}", bearer), try send("any", body)] {
            #expect(answer.status == 200)
        }
    }

    @Test func `a token twice is refused, in one place or in two`() throws {
        let token = try bed.token
        let (own, bearer, body) = ("X-Own: \(token)", "Authorization: Bearer \(token)", "{\"auth\":{\"token\":\"\(token)\"}}")
        for answer in [
            try send("own", "{}", own, own), try send("bearer", "{}", bearer, bearer), try send("any", "{}", own, bearer),
            try send("any", body, own), try send("any", body, bearer),
        ] {
            #expect(answer.status == 401)
            #expect(answer["detail"]?.contains("token") == true || answer["detail"]?.contains("more than once") == true)
        }
    }

    @Test func `a token for one delivery answers its retry from the record, and nothing else`() throws {
        let token = "X-Sallyport-Token: \(try bed.mint(["--jti", "delivery-1"]))"
        let event = "evt_\(UUID().uuidString)"
        let first = try send("once", event: event, token)
        #expect(first.status == 200)
        let again = try send("once", event: event, attempt: 2, token)
        #expect(again.status == 200)
        #expect(again.isDuplicate)
        #expect(again["job"] == first["job"])
        let other = try send("once", "{}", token)
        #expect(other.status == 401)
        #expect(other["detail"] == "the token was used for another delivery")
        #expect(try send("once", "{ }", event: event, token).status == 401)
    }

    @Test func `the executor holds a token to the body, its claims and its age`() throws {
        let body = "{\"deploy\":true}"
        let file = try bed.folder.appending(path: "body.json")
        try Data(body.utf8).write(to: file)
        func token(_ more: [String]) throws -> String { "X-Sallyport-Token: \(try bed.mint(more))" }
        let bound = ["--body", file.path]
        let claims = ["--claim", #"groups=["ops","deployers"]"#, "--claim", "ref=refs/heads/main"]
        let right = try token(bound + claims)
        #expect(try send("guarded", body, right).status == 200)
        for (answer, what) in [
            (try send("guarded", body, token(claims)), "is not bound to the body"),
            (try send("guarded", body, token(bound + ["--claim", "ref=refs/heads/main"])), "has no claim groups"),
            (try send("guarded", body, token(bound + claims.dropLast() + ["ref=refs/tags/v1"])), "claim ref"),
            (try send("guarded", body, token(bound + claims + ["--claim", "iat=1700000000"])), "too old"),
        ] {
            #expect(answer.status == 401)
            #expect(answer["reason"] == "token")
            #expect(answer["error"]?.contains(what) == true, "\(answer.text)")
        }
        // A token that is bound is held to its body by the ingress already, asked for or not.
        let other = try send("guarded", body + " ", right)
        #expect(other.status == 401)
        #expect(other["detail"]?.contains("another body") == true)
    }

    @Test func `a token in use is not verified again with each delivery`() throws {
        func lookups(_ result: String) throws -> Int {
            let metrics = try Command.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(try bed.operationsPort)/metrics"]).output
            let line = metrics.split(separator: "\n").first {
                $0.hasPrefix("sallyport_token_lookups_total{result=\"\(result)\"}")
            }
            return line.flatMap { Int($0.split(separator: " ")[1]) } ?? -1
        }
        let token = "X-Own: \(try bed.mint())"
        let (hits, misses) = (try lookups("hit"), try lookups("miss"))
        for _ in 0..<5 { #expect(try send("own", "{}", token).status == 200) }
        #expect(try lookups("hit") == hits + 4)
        #expect(try lookups("miss") == misses + 1)
    }
}
