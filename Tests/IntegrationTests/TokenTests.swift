import Foundation
import TestSupport
import Testing

/// The caller's token, from where it is minted to the executor that looks at it again.
@Suite(.serialized, .timeLimit(.minutes(3)))
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

/// `sallyport token`
@Suite struct TokenCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func sallyport(_ arguments: [String], input: String = "") throws -> Command {
        try Command.run(try TestBed.binary("sallyport"), ["token"] + arguments, input: Data(input.utf8))
    }

    /// An Ed25519 key and its set, by name.
    private func keys(_ name: String) throws -> (key: String, set: String) {
        let made = try Command.run(
            try TestBed.binary("sallyport"), ["keygen", "\(folder.path)/\(name)", "--form", "jwks", "--name", name])
        return ("\(folder.path)/\(name)", try folder.write("\(name).json", made.output))
    }

    private func claims(_ token: String) throws -> [String: Any] {
        let payload = try #require(Data(base64URL: token.split(separator: ".")[1]))
        return try JSONSerialization.jsonObject(with: payload) as? [String: Any] ?? [:]
    }

    @Test func `a token has the claims that were asked for, with their types`() throws {
        let (key, set) = try keys("ci")
        let body = try folder.write("body", "abc")
        let issued = try sallyport([
            "issue", "--key", key, "--kid", "ci", "--issuer", "me", "--audience", "a", "--audience", "b", "--subject", "s",
            "--jti",
            "id-1", "--lifetime", "60", "--not-before=-5", "--body", body, "--claim", "text=x=y", "--claim", "number=3",
            "--claim", #"digits="3""#, "--claim", "flag=true", "--claim", #"list=["a",1]"#, "--claim", #"object={"a":[1]}"#,
        ])
        #expect(issued.code == 0, "\(issued.errors)")
        let token = issued.output.trimmingCharacters(in: .newlines)
        let claims = try claims(token)
        #expect(claims["aud"] as? [String] == ["a", "b"])
        #expect(claims["jti"] as? String == "id-1")
        #expect(claims["text"] as? String == "x=y")
        #expect(claims["number"] as? Int == 3)
        #expect(claims["digits"] as? String == "3")
        #expect(claims["flag"] as? Bool == true)
        #expect((claims["list"] as? [Any])?.count == 2)
        #expect(claims["request_body_sha256"] as? String == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let (iat, exp, nbf) = (claims["iat"] as? Int ?? 0, claims["exp"] as? Int ?? 0, claims["nbf"] as? Int ?? 0)
        #expect((exp - iat, iat - nbf) == (60, 5))
        #expect(try sallyport(["verify", "--keys", set, "--body", body], input: token + "\n").code == 0)
        #expect(try sallyport(["verify", "--keys", set, "--issuer", "me", "--audience", "b", token]).code == 0)
    }

    @Test func `verify says no with the reason, and tells wrong use from a bad token`() throws {
        let (key, set) = try keys("ci")
        let other = try keys("other").set
        let body = try folder.write("body", "abc")
        let mint = { (more: [String]) in
            try self.sallyport(["issue", "--key", key, "--issuer", "me", "--kid", "ci"] + more).output
                .trimmingCharacters(in: .newlines)
        }
        let token = try mint([])
        let expired = try mint(["--lifetime=-1"])
        for (arguments, code, reason) in [
            (["--keys", set, token], 0, ""), (["--keys", set, expired], 1, "expired"),
            (["--keys", set, "--skew", "60", expired], 0, ""), (["--keys", set, "--signature-only", expired], 0, ""),
            (["--keys", set, "--issuer", "you", token], 1, "issuer"), (["--keys", set, "--audience", "a", token], 1, "audience"),
            (["--keys", set, "--body", body, token], 1, "request_body_sha256"), (["--keys", other, token], 1, "key"),
            (["--keys", set, token + "x"], 1, "not valid"), (["--keys", set, "none"], 1, "three parts"),
            (["--keys", "\(folder.path)/absent", token], 2, "absent"), (["--keys", body, token], 2, "not JSON"),
            (["--keys", set, "--body", "\(folder.path)/absent", token], 2, "absent"),
        ] as [([String], Int32, String)] {
            let verdict = try sallyport(["verify"] + arguments)
            #expect(verdict.code == code, "\(arguments.dropLast()): \(verdict.errors)")
            #expect(reason.isEmpty || verdict.errors.contains(reason), "\(arguments.dropLast()): \(verdict.errors)")
            #expect(code == 0 || verdict.output.isEmpty)
        }
    }

    @Test func `an RSA key signs what another program verifies, and a shared secret what only its holder can`() throws {
        let key = "\(folder.path)/rsa.pem"
        #expect(try Command.run("/usr/bin/openssl", ["genpkey", "-algorithm", "RSA", "-out", key]).code == 0)
        _ = try Command.run("/usr/bin/chmod", ["600", key])
        let publicKey = "\(folder.path)/rsa.pub"
        _ = try Command.run("/usr/bin/openssl", ["pkey", "-in", key, "-pubout", "-out", publicKey])
        for (algorithm, options) in [
            ("RS256", ["-sha256"]),
            ("PS384", ["-sha384", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]),
        ] {
            let token = try sallyport(["issue", "--key", key, "--issuer", "me", "--algorithm", algorithm]).output
                .trimmingCharacters(in: .newlines)
            let parts = token.split(separator: ".")
            let signature = try #require(Data(base64URL: parts[2]))
            let file = try folder.write("signature", Array(signature))
            let verified = try Command.run(
                "/usr/bin/openssl", ["dgst"] + options + ["-verify", publicKey, "-signature", file],
                input: Data("\(parts[0]).\(parts[1])".utf8))
            #expect(verified.code == 0, "\(algorithm): \(verified.errors)")
        }
        let text = String(repeating: "s", count: 64)
        let secret = try folder.write("secret", text + "\n")
        let set = try folder.write("oct.json", "{\"kty\":\"oct\",\"alg\":\"HS512\",\"k\":\"\(text.base64URL)\"}")
        let token = try sallyport(["issue", "--secret", secret, "--issuer", "me", "--algorithm", "HS512"]).output
        #expect(try sallyport(["verify", "--keys", set], input: token).code == 0)
        let signed = try sallyport(["issue", "--key", set, "--issuer", "me"])
        #expect(signed.code == 0, "\(signed.errors)")
        #expect(try sallyport(["verify", "--keys", set], input: signed.output).code == 0)
    }

    @Test func `what cannot be meant is wrong use`() throws {
        let (key, _) = try keys("ci")
        let secret = try folder.write("secret", String(repeating: "s", count: 32))
        for arguments in [
            ["--issuer", "me"], ["--issuer", "me", "--key", key, "--secret", secret],
            ["--issuer", "me", "--key", key, "--algorithm", "RS256"],
            ["--issuer", "me", "--key", key, "--algorithm", "none"], ["--issuer", "me", "--key", key, "--claim", "x"],
            ["--issuer", "me", "--key", key, "--claim", "iss=you"], ["--issuer", "me", "--key", key, "--claim", "=x"],
            ["--issuer", "me", "--key", key, "--claim", "a=1", "--claim", "a=2"],
            ["--issuer", "me", "--key", key, "--jti", "1", "--claim", "jti=2"],
            ["--issuer", "me", "--key", "\(folder.path)/absent"], ["--issuer", "me", "--secret", secret, "--algorithm", "HS512"],
            ["--issuer", "me", "--key", key, "--body", "\(folder.path)/absent"],
        ] {
            let refused = try sallyport(["issue"] + arguments)
            #expect(refused.code == 2, "\(arguments): \(refused.errors)")
            #expect(refused.output.isEmpty)
        }
    }
}

extension String {
    fileprivate var base64URL: String {
        Data(utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

extension Data {
    fileprivate init?(base64URL text: some StringProtocol) {
        let standard = String(text).replacing("-", with: "+").replacing("_", with: "/")
        self.init(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }
}
