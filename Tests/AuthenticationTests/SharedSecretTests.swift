import Authentication
import Testing

/// Schemes that show a secret instead of signing with it.
struct SharedSecretTests {
    private static let secret = "s3cret-of-the-hook"

    private func token(_ form: SharedToken.Form, _ secrets: [String] = [secret]) throws -> SharedToken {
        try SharedToken(form, secrets: secrets.map { SecretBytes($0) })
    }

    /// Everything near the secret that is not it.
    private static let wrong = [
        "x", secret + "x", String(secret.dropLast()), secret.uppercased(), secret + secret, "\u{0}", "é",
        String(repeating: "a", count: 70_000),
    ]

    @Test func `GitLab's token is compared whole, and refused before the body`() throws {
        let scheme = try token(.gitlab)
        #expect(scheme.outcome(SampleHead([("x-gitlab-token", Self.secret)]), "any body") == .valid)
        for value in Self.wrong {
            #expect(scheme.outcome(SampleHead([("X-Gitlab-Token", value)]), "") == .atHead(.mismatch), "\(value.prefix(40))")
        }
        #expect(scheme.outcome(SampleHead(), "") == .atHead(.missing))
        #expect(scheme.outcome(SampleHead([("X-Gitlab-Token", "")]), "") == .atHead(.missing))
        let twice = SampleHead([("X-Gitlab-Token", Self.secret), ("X-Gitlab-Token", Self.secret)])
        #expect(scheme.outcome(twice, "") == .atHead(.malformed))
        #expect(try scheme.sign(WebhookMessage(body: [], id: "e", time: 0)).headers.map(\.value) == ["e", Self.secret])
    }

    @Test func `a bearer token follows its scheme in any case of letters`() throws {
        let scheme = try token(.bearer)
        for value in ["Bearer \(Self.secret)", "bearer \(Self.secret)", "BEARER   \(Self.secret)"] {
            #expect(scheme.outcome(SampleHead([("Authorization", value)]), "") == .valid)
        }
        for value in [Self.secret, "Bearer", "Basic \(Self.secret)", "Bearer\(Self.secret)"] {
            #expect(scheme.outcome(SampleHead([("Authorization", value)]), "") == .atHead(.malformed), "\(value)")
        }
        for value in Self.wrong {
            #expect(scheme.outcome(SampleHead([("Authorization", "Bearer \(value)")]), "") == .atHead(.mismatch))
        }
        #expect(scheme.outcome(SampleHead(), "") == .atHead(.missing))
        let twice = SampleHead([("Authorization", "Bearer \(Self.secret)"), ("authorization", "Bearer x")])
        #expect(scheme.outcome(twice, "") == .atHead(.malformed))
        #expect(try scheme.sign(WebhookMessage(body: [], id: "", time: 0)).headers.map(\.value) == ["Bearer \(Self.secret)"])
    }

    @Test func `an API key is the whole value of its header`() throws {
        let scheme = try token(.apiKey(header: "X-Api-Key"))
        #expect(scheme.outcome(SampleHead([("x-api-key", Self.secret)]), "any body") == .valid)
        #expect(scheme.outcome(SampleHead([("x-api-key", "Bearer \(Self.secret)")]), "") == .atHead(.mismatch))
        #expect(scheme.outcome(SampleHead([("x-other", Self.secret)]), "") == .atHead(.missing))
        for name in ["", "X Key", "X:Key", "X-Ké", String(repeating: "x", count: 65)] {
            #expect(throws: AuthenticationError.self) { try SharedToken.Form.apiKey(header: name) }
        }
        #expect(throws: Never.self) { try SharedToken.Form.apiKey(header: String(repeating: "x", count: 64)) }
    }

    @Test func `user and password are those of RFC 7617 section 2`() throws {
        let scheme = try BasicPassword(user: "Aladdin", passwords: [SecretBytes("open sesame")])
        #expect(scheme.outcome(SampleHead([("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")]), "any body") == .valid)
        #expect(
            try scheme.sign(WebhookMessage(body: [], id: "", time: 0)).headers.map(\.value)
                == ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="])
        for credentials in [
            "Aladdin:open sesam", "aladdin:open sesame", "Aladdin", "Aladdin:", ":open sesame", "open sesame", "",
        ] {
            let value = "basic " + Base64.encode(Array(credentials.utf8))
            let expected: WebhookRefusal.Reason = credentials.isEmpty ? .malformed : .mismatch
            #expect(scheme.outcome(SampleHead([("Authorization", value)]), "") == .atHead(expected), "\(credentials)")
        }
        for value in [
            "Basic", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ] {
            #expect(scheme.outcome(SampleHead([("Authorization", value)]), "") == .atHead(.malformed), "\(value)")
        }
        #expect(scheme.outcome(SampleHead(), "") == .atHead(.missing))
        for user in ["", "a:b", "a\n"] {
            #expect(throws: AuthenticationError.self) { try BasicPassword(user: user, passwords: [SecretBytes("p")]) }
        }
        #expect(throws: AuthenticationError.self) { try BasicPassword(user: "a", passwords: [SecretBytes("")]) }
    }

    @Test func `a secret in the path is compared whole`() throws {
        let scheme = try PathSecret(secrets: [SecretBytes(Self.secret)])
        #expect(scheme.outcome(SampleHead(pathSecret: Self.secret), "any body") == .valid)
        for value in Self.wrong + [Self.secret + "/", "%73" + Self.secret.dropFirst()] {
            #expect(scheme.outcome(SampleHead(pathSecret: value), "") == .atHead(.mismatch), "\(value.prefix(40))")
        }
        #expect(scheme.outcome(SampleHead(), "") == .atHead(.missing))
        #expect(scheme.outcome(SampleHead(pathSecret: ""), "") == .atHead(.missing))
        let parts = try scheme.sign(WebhookMessage(body: [], id: "", time: 0))
        #expect(parts.pathSecret == Self.secret)
        #expect(parts.headers.isEmpty)
    }

    @Test func `a secret in a path has a length and no character that would be quoted`() {
        #expect(throws: Never.self) { try PathSecret(secrets: [SecretBytes("0123456789-._~aZ")]) }
        for secret in ["0123456789-._~a", "", "0123456789abcde/", "0123456789abcde%", "0123456789abcdé", "0123456789abcde "] {
            #expect(throws: AuthenticationError.self, "\(secret)") { try PathSecret(secrets: [SecretBytes(secret)]) }
        }
    }

    @Test func `secrets are rotated up to a number, and an empty one never is one`() throws {
        let four = ["a", "b", "c", Self.secret]
        #expect(try token(.bearer, four).outcome(SampleHead([("Authorization", "Bearer \(Self.secret)")]), "") == .valid)
        #expect(try token(.bearer, four).outcome(SampleHead([("Authorization", "Bearer a")]), "") == .valid)
        #expect(throws: AuthenticationError.self) { try token(.bearer, four + ["e"]) }
        #expect(throws: AuthenticationError.self) { try token(.bearer, []) }
        #expect(throws: AuthenticationError.self) { try token(.bearer, [""]) }
        #expect(throws: AuthenticationError.self) { try token(.bearer, ["a", ""]) }
    }

    @Test func `an error holds neither the secret nor what was shown`() throws {
        let head = SampleHead([("Authorization", "Bearer shown"), ("X-Gitlab-Token", "shown")], pathSecret: "shown")
        let schemes: [any WebhookScheme] = [
            try token(.bearer), try token(.gitlab), try PathSecret(secrets: [SecretBytes(Self.secret)]),
            try BasicPassword(user: "u", passwords: [SecretBytes(Self.secret)]),
        ]
        for scheme in schemes {
            let refusal = try #require(Verification.scheme(scheme).refusal(head))
            #expect(!refusal.detail.contains("shown"))
            #expect(!refusal.detail.contains(Self.secret))
        }
    }

    @Test func `a secret that no header can carry is not sent`() throws {
        for secret in ["a\nb", "a\u{7f}", "\u{0}"] {
            let scheme = try token(.bearer, [secret])
            #expect(throws: AuthenticationError.self) { try scheme.sign(WebhookMessage(body: [], id: "", time: 0)) }
        }
    }
}
