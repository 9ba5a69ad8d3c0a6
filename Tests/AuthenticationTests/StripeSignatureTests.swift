import Authentication
import Testing

/// What is particular to Stripe: everything is in one header.
struct StripeSignatureTests {
    private static let time: Int64 = 1_614_265_330
    private let scheme: StripeSignature
    private let right: String

    init() throws {
        scheme = try StripeSignature(secrets: [SecretBytes("whsec_test_secret")])
        let value = try scheme.sign(WebhookMessage(body: Array("{}".utf8), id: "", time: Self.time)).headers[0].value
        right = String(value.drop { $0 != "," }.dropFirst())
    }

    private func outcome(_ header: String) -> Outcome {
        scheme.outcome(SampleHead([("Stripe-Signature", header)]), "{}", now: Self.time)
    }

    private static let other = "v1=" + String(repeating: "0", count: 64)

    @Test func `one right v1 of several is enough, and other versions are passed over`() {
        #expect(outcome("t=\(Self.time),\(Self.other),\(right)") == .valid)
        #expect(outcome("v0=x,\(right),v2=,t=\(Self.time),scheme") == .valid)
        #expect(outcome("t=\(Self.time),\(Self.other)") == .atEnd(.mismatch))
    }

    @Test func `no time, two times, no v1 and a v1 that is none are malformed`() {
        for header in [
            right, "t=\(Self.time)", "t=\(Self.time),t=\(Self.time),\(right)", "t=\(Self.time),v0=\(right.dropFirst(3))",
            "t=\(Self.time),v1=", "t=\(Self.time),\(right)00", "t=,\(right)", ",", "=",
        ] { #expect(outcome(header) == .atHead(.malformed), "\(header)") }
    }

    @Test func `signatures are taken up to a number`() {
        let others = [String](repeating: Self.other, count: SignatureLimits.codes - 1).joined(separator: ",")
        #expect(outcome("t=\(Self.time),\(others),\(right)") == .valid)
        #expect(outcome("t=\(Self.time),\(others),\(right),\(right)") == .atHead(.malformed))
    }
}
