import Authentication
import Testing

/// What is particular to Standard Webhooks: several signatures of several versions, and keys that cannot sign.
struct StandardWebhooksTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    private static let time: Int64 = 1_614_265_330
    private static let body = #"{"test": 2432232314}"#
    private static let v1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    private static let other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
    /// The key of RFC 8032 section 7.1, test 1; the signature was made with another library.
    private static let publicKey = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    private static let v1a =
        "v1a,fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2ADpkJK7zgPePmPsle0zV9jSeGlHFG2NVAw=="

    private func head(_ signature: String, id: String = id, time: Int64 = time) -> SampleHead {
        SampleHead([("webhook-id", id), ("webhook-timestamp", "\(time)"), ("webhook-signature", signature)])
    }

    private func symmetric() throws -> StandardWebhooks { try StandardWebhooks(secrets: [SecretBytes(Self.secret)]) }
    private func asymmetric() throws -> StandardWebhooks {
        try StandardWebhooks(publicKeys: [StandardWebhooks.publicKey(Self.publicKey)])
    }

    @Test func `one right signature of several is enough, whatever else there is`() throws {
        let list = "\(Self.other) v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= \(Self.v1) \(Self.other)"
        #expect(try symmetric().outcome(head(list), Self.body, now: Self.time) == .valid)
        #expect(try symmetric().outcome(head("\(Self.v1a)  \(Self.v1)"), Self.body, now: Self.time) == .valid)
        #expect(try symmetric().outcome(head("\(Self.other) \(Self.other)"), Self.body, now: Self.time) == .atEnd(.mismatch))
    }

    @Test(arguments: [
        "v1,", "v1,g0hM9SsE", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ])
    func `a signature without a version that is known, or cut short, is malformed`(text: String) throws {
        #expect(try symmetric().outcome(head(text), Self.body, now: Self.time) == .atHead(.malformed))
    }

    @Test func `signatures are taken up to a number`() throws {
        let others = [String](repeating: Self.other, count: SignatureLimits.codes - 1).joined(separator: " ")
        #expect(try symmetric().outcome(head("\(others) \(Self.v1)"), Self.body, now: Self.time) == .valid)
        #expect(
            try symmetric().outcome(head("\(others) \(Self.v1) \(Self.v1)"), Self.body, now: Self.time) == .atHead(.malformed))
        let wrong = "v1a," + Base64.encode([UInt8](repeating: 1, count: 64))
        #expect(try asymmetric().outcome(head("\(wrong) \(Self.v1a)"), Self.body, now: Self.time) == .valid)
        #expect(try asymmetric().outcome(head("\(wrong) \(Self.v1a) \(wrong)"), Self.body, now: Self.time) == .atHead(.malformed))
    }

    @Test func `the rust library's vector is valid`() throws {
        let scheme = try StandardWebhooks(secrets: [SecretBytes("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")])
        let head = head(
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=", id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", time: 1_649_367_553)
        let body = #"{"email":"test@example.com","username":"test_user"}"#
        #expect(scheme.outcome(head, body, now: 1_649_367_553) == .valid)
    }

    @Test func `a signature of a private key is verified over id, time and body`() throws {
        let scheme = try asymmetric()
        #expect(scheme.outcome(head(Self.v1a), Self.body, now: Self.time) == .valid)
        for changed in Array(Self.body.utf8).withOneBitChanged {
            #expect(scheme.outcome(head(Self.v1a), changed, now: Self.time) == .atEnd(.mismatch))
        }
        #expect(scheme.outcome(head(Self.v1a, id: "msg_other"), Self.body, now: Self.time) == .atEnd(.mismatch))
        #expect(scheme.outcome(head(Self.v1a, time: Self.time + 1), Self.body, now: Self.time) == .atEnd(.mismatch))
        let signature = try #require(Base64.decode(Self.v1a.utf8.dropFirst(4)))
        for changed in signature.withOneBitChanged {
            let head = head("v1a," + Base64.encode(changed))
            #expect(scheme.outcome(head, Self.body, now: Self.time) == .atEnd(.mismatch))
        }
        #expect(scheme.outcome(head("v1a,AAAA"), Self.body, now: Self.time) == .atHead(.malformed))
        #expect(scheme.outcome(head(Self.v1a), Self.body, now: Self.time + 301) == .atHead(.time))
        // A body in pieces is one message.
        let bytes = Array(Self.body.utf8)
        #expect(
            Verification.scheme(scheme).outcome(head(Self.v1a), [bytes[..<3], bytes[3...]], now: Self.time) == .valid)
    }

    @Test func `a public key verifies no MAC, and a secret no signature of a private key`() throws {
        #expect(try asymmetric().outcome(head(Self.v1), Self.body, now: Self.time) == .atHead(.malformed))
        #expect(try symmetric().outcome(head(Self.v1a), Self.body, now: Self.time) == .atHead(.malformed))
        let both = try StandardWebhooks(
            secrets: [SecretBytes(Self.secret)], publicKeys: [StandardWebhooks.publicKey(Self.publicKey)])
        for signature in [Self.v1, Self.v1a, "\(Self.other) \(Self.v1a)"] {
            #expect(both.outcome(head(signature), Self.body, now: Self.time) == .valid)
        }
    }

    @Test func `public keys are rotated, up to a number`() throws {
        let key = try StandardWebhooks.publicKey(Self.publicKey)
        let other = try Ed25519PrivateKey.generate().publicKey
        #expect(try StandardWebhooks(publicKeys: [other, key]).outcome(head(Self.v1a), Self.body, now: Self.time) == .valid)
        #expect(try StandardWebhooks(publicKeys: [other]).outcome(head(Self.v1a), Self.body, now: Self.time) == .atEnd(.mismatch))
        #expect(throws: AuthenticationError.self) { try StandardWebhooks(publicKeys: [other, key, other]) }
        #expect(throws: AuthenticationError.self) { try StandardWebhooks() }
    }

    @Test func `a private key signs what its public half verifies; a public key alone signs nothing`() throws {
        let key = try Ed25519PrivateKey.generate()
        let message = WebhookMessage(body: [1, 2, 3], id: "msg_1", time: Self.time)
        let parts = try StandardWebhooks(signingKey: key).sign(message)
        let verifier = try StandardWebhooks(publicKeys: [StandardWebhooks.publicKey(StandardWebhooks.text(key.publicKey))])
        #expect(verifier.outcome(SampleHead(parts), [1, 2, 3], now: Self.time) == .valid)
        #expect(throws: AuthenticationError.self) { try verifier.sign(message) }
    }

    @Test func `an id has no full stop, for it says where the id ends, and has a length`() throws {
        // Signed is `a.TIME.TIME.{}`: with the id `a.TIME` it would have the body `{}`, with `a` another one.
        let scheme = try symmetric()
        let longer = try scheme.sign(WebhookMessage(body: Array("\(Self.time).{}".utf8), id: "a", time: Self.time))
        #expect(scheme.outcome(SampleHead(longer), "\(Self.time).{}", now: Self.time) == .valid)
        let moved = SampleHead(longer).with("webhook-id", "a.\(Self.time)")
        #expect(scheme.outcome(moved, "{}", now: Self.time) == .atHead(.malformed))
        for (count, expected) in [
            (SignatureLimits.identifier, Outcome.valid), (SignatureLimits.identifier + 1, .atHead(.malformed)),
        ] {
            let message = WebhookMessage(body: [], id: String(repeating: "i", count: count), time: Self.time)
            #expect(scheme.outcome(SampleHead(try scheme.sign(message)), "", now: Self.time) == expected)
        }
        #expect(scheme.outcome(head(Self.v1, id: "msg é"), Self.body, now: Self.time) == .atHead(.malformed))
    }

    @Test func `a secret is whsec_ and base64, where prefix and padding may be left out`() throws {
        let message = WebhookMessage(body: Array(Self.body.utf8), id: Self.id, time: Self.time)
        func signature(_ secret: String) throws -> String? {
            try StandardWebhooks(secrets: [SecretBytes(secret)]).sign(message).headers.last?.value
        }
        #expect(try signature(String(Self.secret.dropFirst(6))) == Self.v1)
        let bytes = [UInt8](repeating: 9, count: 25)
        let padded = "whsec_" + Base64.encode(bytes)
        #expect(padded.hasSuffix("=="))
        #expect(try signature(padded) == signature(String(padded.dropLast(2))))
        for secret in ["whsec_", "", "whsec_not base64!", "whsec_====", "whsk_AAAA", "whsec_A"] {
            #expect(throws: AuthenticationError.self, "\(secret)") { try signature(secret) }
        }
    }

    @Test(arguments: [
        "", "whpk_", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "whpk_AAAA",
        "whsec_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    ])
    func `a public key is whpk_ and base64 of 32 bytes`(text: String) throws {
        #expect(throws: AuthenticationError.self) { try StandardWebhooks.publicKey(text) }
        #expect(try StandardWebhooks.text(StandardWebhooks.publicKey(Self.publicKey)) == Self.publicKey)
    }
}
