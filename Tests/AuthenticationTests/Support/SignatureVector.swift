import Authentication
import Testing

/// A delivery that a provider, or its own library, says is right.
struct SignatureVector: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable ([SecretBytes], Int64) throws -> any WebhookScheme
    var secret = "It's a Secret to Everybody"
    let body: String
    /// The headers that are looked at, that of the signature last.
    let headers: [(name: String, value: String)]
    /// The time that is signed.
    var time: Int64?
    /// The id that is signed.
    var id = "delivery-1"
    /// Headers of the provider that nothing signs.
    var unsigned: [(name: String, value: String)] = []

    var testDescription: String { name }
    var head: SampleHead { SampleHead(headers) }
    var signatureHeader: (name: String, value: String) { headers[headers.count - 1] }
    var now: Int64 { time ?? 0 }

    func scheme(_ secrets: [String]? = nil, tolerance: Int64 = SignatureLimits.tolerance) throws -> any WebhookScheme {
        try make((secrets ?? [secret]).map { SecretBytes($0) }, tolerance)
    }

    private static func form(_ form: HMACScheme.Form) -> @Sendable ([SecretBytes], Int64) throws -> any WebhookScheme {
        { try HMACScheme(form, secrets: $0, tolerance: $1) }
    }

    private static let everybody = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    static let all: [SignatureVector] = [
        // hookdeck-typescript-sdk, tests/webhooks/verify.test.ts
        .init(
            name: "hookdeck", make: form(.hookdeck), secret: "5fthvdmj8gtkzdv93mwkdpbupgwgfu4fu8xf4rro2oufn6qlhc",
            body: #"{"key1":"value1", "key2":"value2"}"#,
            headers: [("X-Hookdeck-Signature", "kKb0yljhY9tBo7oihOMTvRayKCUpCNVujkoTMNoGdGM=")],
            unsigned: [("X-Hookdeck-EventID", "evt_other"), ("X-Hookdeck-Attempt-Count", "7")]),
        // docs.github.com, validating-webhook-deliveries
        .init(
            name: "github", make: form(.github), body: "Hello, World!", headers: [("X-Hub-Signature-256", "sha256=" + everybody)],
            unsigned: [("X-GitHub-Event", "push"), ("X-GitHub-Delivery", "another")]),
        // octokit/webhooks-methods.js, test/verify.test.ts
        .init(
            name: "github, octokit's", make: form(.github), secret: "mysecret", body: "{\n  \"foo\": \"bar\"\n}\n",
            headers: [("X-Hub-Signature-256", "sha256=e3eccac34c43c7dc1cbb905488b1b81347fcc700a7b025697a9d07862256023f")]),
        // Atlassian's documentation
        .init(
            name: "bitbucket", make: form(.bitbucket), body: "Hello World!",
            headers: [("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")],
            unsigned: [("X-Event-Key", "repo:push"), ("X-Request-UUID", "another")]),
        // The MAC of GitHub's vector, in the form of services/webhook/deliver.go of Gitea.
        .init(
            name: "gitea", make: form(.gitea), body: "Hello, World!", headers: [("X-Gitea-Signature", everybody)],
            unsigned: [("X-Gitea-Event", "push")]),
        .init(
            name: "forgejo", make: form(.forgejo), body: "Hello, World!", headers: [("X-Forgejo-Signature", everybody)],
            unsigned: [("X-Gitea-Signature", "")]),
        .init(name: "gogs", make: form(.gogs), body: "Hello, World!", headers: [("X-Gogs-Signature", everybody)]),
        // docs.slack.dev, verifying-requests-from-slack
        .init(
            name: "slack", make: form(.slack), secret: "8f742231b10e8888abcd99yyyzzz85a5",
            body:
                "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
            headers: [
                ("X-Slack-Request-Timestamp", "1531420618"),
                ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
            ], time: 1_531_420_618, unsigned: [("X-Slack-Retry-Num", "3")]),
        // Shopify prints none; computed with openssl.
        .init(
            name: "shopify", make: form(.shopify), secret: "shop-secret", body: #"{"id":1}"#,
            headers: [("X-Shopify-Hmac-SHA256", "plW8VGqq0nDMIEhDqaNNW99asdUCy7EIqLZVcQwtAZ0=")],
            unsigned: [("X-Shopify-Topic", "orders/delete"), ("X-Shopify-Webhook-Id", "another")]),
        // Body and secret of stripe-python, tests/test_webhook.py; agreed with its library.
        .init(
            name: "stripe", make: { try StripeSignature(secrets: $0, tolerance: $1) }, secret: "whsec_test_secret",
            body:
                "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\",\n  \"data\": { \"object\": { \"id\": \"rdr_123\", \"object\": \"terminal.reader\" } }\n}",
            headers: [
                ("Stripe-Signature", "t=1614265330,v1=117f2d4aa1697fc9f837f2feca4e5e23ec790ffa7b6b669073d3677ae48c4b5f")
            ], time: 1_614_265_330),
        standard("standard-webhooks", .standard, "webhook"), standard("svix", .svix, "svix"),
        standard("gitlab", .gitlab, "webhook"),
        // RFC 4231 section 4.3
        .init(
            name: "hmac, SHA-512", make: { try HMACScheme(.custom(header: "X-Mac", hash: .sha512), secrets: $0, tolerance: $1) },
            secret: "Jefe", body: "what do ya want for nothing?",
            headers: [
                (
                    "X-Mac",
                    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
                )
            ]),
        // hookdeck/outpost, destwebhook/signature_test.go
        .init(
            name: "hmac with a time",
            make: {
                try HMACScheme(
                    .custom(
                        header: "x-outpost-signature", prefix: "v0=", signed: SignedTemplate("{timestamp}.{body}"),
                        timestampHeader: "x-outpost-timestamp"), secrets: $0, tolerance: $1)
            }, secret: "test-secret", body: #"{"hello":"world"}"#,
            headers: [
                ("x-outpost-timestamp", "1234567890"),
                ("x-outpost-signature", "v0=7054f74dae9f73e82b56ca73e8f81450097c698eeda0b00bb8728e89796baf2d"),
            ], time: 1_234_567_890, unsigned: [("x-outpost-event-id", "another"), ("x-outpost-topic", "another")]),
    ]

    /// standard-webhooks, libraries/javascript/src/webhook.test.ts
    private static func standard(_ name: String, _ dialect: StandardWebhooks.Dialect, _ prefix: String) -> SignatureVector {
        .init(
            name: name, make: { try StandardWebhooks(dialect, secrets: $0, tolerance: $1) },
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body: #"{"test": 2432232314}"#,
            headers: [
                ("\(prefix)-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("\(prefix)-timestamp", "1614265330"),
                ("\(prefix)-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ], time: 1_614_265_330, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", unsigned: [("X-Gitlab-Event", "Push Hook")])
    }
}
