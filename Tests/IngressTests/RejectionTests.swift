import Authentication
import JSON
import NIOHTTP1
import Testing

@testable import Ingress

@Suite struct RejectionTests {
    @Test func `a bad signature and a bad token are 401 and name their schemes`() throws {
        let scheme = try HMACScheme(.hookdeck, secrets: [SecretBytes(copying: "secret".utf8)])
        let refusal = #expect(throws: WebhookRefusal.self) {
            try Verification.scheme(scheme).begin(
                RequestHeadView(HTTPRequestHead(version: .http1_1, method: .POST, uri: "/hooks/github")), now: 0)
        }
        let signature = Rejection.signature(try #require(refusal))
        #expect(signature.answer.status == .unauthorized)
        #expect(signature.answer.header("WWW-Authenticate") == "Hookdeck-Signature")
        #expect(signature.outcome == "signature-missing")
        #expect(signature.detail == "X-Hookdeck-Signature is missing")
        let token = Rejection.token("header X-Sallyport-Token is missing", reason: "missing")
        #expect(token.answer.status == .unauthorized)
        #expect(token.answer.header("WWW-Authenticate") == "Bearer realm=\"sallyport\", error=\"invalid_token\"")
        #expect(token.outcome == "token-missing")
    }

    @Test func `an error is a problem as RFC 9457 describes it`() throws {
        let answer = Rejection(.badRequest, "the body is not JSON", outcome: "unparsable").answer
        #expect(answer.status == .badRequest)
        #expect(answer.header("Content-Type") == "application/problem+json")
        #expect(
            try answer.json()
                == JSONValue.parse(
                    #"{"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "the body is not JSON"}"#.utf8))
    }

    @Test func `errors that ask for something else say what`() {
        #expect(Answer.methodNotAllowed("POST").status == .methodNotAllowed)
        #expect(Answer.methodNotAllowed("POST").header("Allow") == "POST, OPTIONS")
        #expect(Answer.unavailable("no executor is connected", retryAfter: 5).status == .serviceUnavailable)
        #expect(Answer.unavailable("no executor is connected", retryAfter: 5).header("Retry-After") == "5")
    }
}
