import Authentication
import Settings
import TestSupport
import Testing

@testable import Ingress

@Suite struct DedupeSettingsTests {
    private let folder: TemporaryFolder
    private let hookdeck: String

    init() throws {
        folder = try TemporaryFolder()
        hookdeck = "{hookdeck: {secret: {file: \(try folder.write("secret", "hookdeck-signing-secret"))}}}"
    }

    private func basis(_ settings: String, verify: String) throws -> Dedupe.Basis {
        try Samples.hook(settings, verify: verify).dedupe.basis
    }

    private func problems(_ settings: String) -> [String] {
        do {
            _ = try Samples.hook(settings)
            return []
        } catch let problems as SettingsProblems {
            return "\(problems)".split(separator: "\n").map(String.init)
        } catch {
            return ["\(error)"]
        }
    }

    @Test func `an event id that nobody signs does not decide when nothing else is said`() throws {
        #expect(try basis("", verify: hookdeck) == .body)
        #expect(try basis("event-id: {header: X-Id}", verify: hookdeck) == .body)
        #expect(try basis("event-id: {query: id}", verify: hookdeck) == .body)
        #expect(try basis("event-id: {payload: /id}", verify: hookdeck) == .eventAndBody)
        #expect(try basis("", verify: "none") == .eventAndBody)
        #expect(try basis("dedupe: {by: event}", verify: hookdeck) == .event)
    }

    @Test
    func `the body decides where a signature covers it and leaves the event id open, and not where a password is all there is`()
        throws
    {
        let secret = "{secret: {file: \(try folder.write("plain", "0123456789abcdef"))}}"
        let whsec = "{secret: {file: \(try folder.write("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))}}"
        let signedID = "event-id: {header: Webhook-Id}"
        for (settings, verify, expected) in [
            ("", "{github: \(secret)}", .body), ("", "{bearer: \(secret)}", .eventAndBody),
            ("", "{path-secret: \(secret)}", .eventAndBody),
            ("", "{mtls: {names: [ci.example]}}", .eventAndBody),
            (signedID, "{standard-webhooks: \(whsec)}", .eventAndBody), ("", "{standard-webhooks: \(whsec)}", .body),
            ("", "{all: [{github: \(secret)}, {bearer: \(secret)}]}", .body),
            (signedID, "{all: [{github: \(secret)}, {standard-webhooks: \(whsec)}]}", .eventAndBody),
            (signedID, "{any: [{github: \(secret)}, {standard-webhooks: \(whsec)}]}", .body),
        ] as [(String, String, Dedupe.Basis)] {
            #expect(try basis(settings, verify: verify) == expected, "\(settings) \(verify)")
        }
    }

    @Test func `with a token for one delivery the event decides, for the token is used up under it`() throws {
        let file = try folder.write("hmac", String(repeating: "s", count: 32))
        let token = "token: {issuer: ci, secret: {file: \(file)}"
        #expect(try basis(token + ", once: true}", verify: hookdeck) == .eventAndBody)
        #expect(try basis(token + "}", verify: hookdeck) == .body)
    }

    @Test func `check says what is one event, and warns of ids that can be forged`() throws {
        func words(_ settings: String) throws -> String {
            try Samples.hook(settings, verify: hookdeck).dedupeWords.joined(separator: "\n")
        }
        #expect(try words("").contains("a body runs once, as long as the executor's journal keeps it"))
        #expect(try !words("").contains("warning"))
        #expect(try words("dedupe: {window: 10m}").contains("for 600"))
        #expect(try words("dedupe: {by: event}").contains("warning: the event id is not signed"))
        #expect(try !words("dedupe: {by: event}, event-id: {payload: /id}").contains("warning"))
        #expect(try words("manual-retry: true").contains("warning: a manual retry is not signed"))
    }

    @Test func `a window belongs to bodies, and is within its range`() throws {
        #expect(try Samples.hook("dedupe: {by: body, window: 1s}").dedupe.window == 1000)
        #expect(try Samples.hook("dedupe: {by: body, window: 365d}").dedupe.window == 365 * 86_400_000)
        for settings in ["by: body, window: 999ms", "by: body, window: 366d", "by: event, window: 1h", "window: 1h", "by: id"] {
            #expect(problems("dedupe: {\(settings)}").count == 1, "\(settings)")
        }
    }

    @Test func `an idempotency key is the event id, and there are no attempts`() {
        #expect(problems("dedupe: {by: idempotency-key}") == [])
        #expect(problems("dedupe: {by: idempotency-key, required: false}") == [])
        #expect(problems("dedupe: {by: event, required: false}").count == 1)
        #expect(
            problems(
                "dedupe: {by: idempotency-key}, event-id: {header: X}, attempt: {header: Y}, manual-retry: true"
            ).count == 3)
    }

    @Test func `a claim is an event id where there is a token`() {
        #expect(problems("event-id: {claim: jti}").count == 1)
        #expect(problems("event-id: {claim: ''}").count == 1)
    }
}
