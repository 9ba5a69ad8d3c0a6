import Authentication
import Testing

/// The generic scheme: what is signed is the operator's to say.
struct SignedTemplateTests {
    private func scheme(
        _ signed: String, time: String? = nil, id: String? = nil, prefix: String = "", encoding: HMACScheme.Encoding = .base64
    ) throws -> HMACScheme {
        try HMACScheme(
            .custom(
                header: "X-Mac", prefix: prefix, encoding: encoding, signed: SignedTemplate(signed), timestampHeader: time,
                idHeader: id),
            secrets: [SecretBytes("k")])
    }

    private func mac(_ message: String) throws -> String {
        Base64.encode(try HMACKey(SecretBytes("k"), hash: .sha256).code(for: Array(message.utf8)))
    }

    @Test(arguments: [
        ("{body}", "BODY"), ("v0:{timestamp}:{body}", "v0:1600000000:BODY"), ("{timestamp}{body}", "1600000000BODY"),
        ("{body}{timestamp}", "BODY1600000000"), ("{id}.{timestamp}.{body}", "id-1.1600000000.BODY"),
        ("a{body}b{id}", "aBODYbid-1"), ("{id}|{body}|{timestamp}|end", "id-1|BODY|1600000000|end"),
    ])
    func `a template says what comes before and behind the body`(template: String, message: String) throws {
        let scheme = try scheme(
            template, time: template.contains("{timestamp}") ? "X-Time" : nil, id: template.contains("{id}") ? "X-Id" : nil)
        let head = SampleHead([("X-Mac", try mac(message)), ("X-Time", "1600000000"), ("X-Id", "id-1")])
        #expect(scheme.outcome(head, "BODY", now: 1_600_000_000) == .valid)
        #expect(scheme.outcome(head, "BODX", now: 1_600_000_000) == .atEnd(.mismatch))
        let signed = try scheme.sign(WebhookMessage(body: Array("BODY".utf8), id: "id-1", time: 1_600_000_000))
        #expect(SampleHead(signed).values(of: "X-Mac") == [try mac(message)])
    }

    @Test(arguments: [
        "", "{timestamp}", "{body}{body}", "{Body}", "{body", "body}", "{}", "{body}}", "{{body}}", "{id}{body}",
        "{id}{timestamp}.{body}",
        "{path}.{body}", "{ body }", "{body}{id}", "{body}.{id}{timestamp}", "{body}{timestamp}{id}",
    ])
    func `what is not a template, does not sign the body, or leaves the end of an id open is refused`(text: String) {
        #expect(throws: AuthenticationError.self) { try SignedTemplate(text) }
    }

    @Test func `a template has a length`() {
        let longest = String(repeating: "x", count: SignedTemplate.maximumLength - 6)
        #expect(throws: Never.self) { try SignedTemplate(longest + "{body}") }
        #expect(throws: AuthenticationError.self) { try SignedTemplate(longest + "x{body}") }
    }

    @Test func `a time or an id is signed where it has a header, and only there`() throws {
        #expect(throws: AuthenticationError.self) { try scheme("{timestamp}.{body}") }
        #expect(throws: AuthenticationError.self) { try scheme("{body}", time: "X-Time") }
        #expect(throws: AuthenticationError.self) { try scheme("{id}.{body}") }
        #expect(throws: AuthenticationError.self) { try scheme("{body}", id: "X-Id") }
    }

    @Test func `an id must not have what says where it ends`() throws {
        let scheme = try scheme("{id}/{body}", id: "X-Id")
        func outcome(_ id: String, _ body: String) throws -> Outcome {
            scheme.outcome(SampleHead([("X-Mac", try mac("a/b/c")), ("X-Id", id)]), body)
        }
        #expect(try outcome("a", "b/c") == .valid)
        #expect(try outcome("a/b", "c") == .atHead(.malformed))
    }

    @Test func `an id behind the body must not have what says where it begins`() throws {
        let scheme = try scheme("{body}/{id}", id: "X-Id")
        func outcome(_ id: String, _ body: String) throws -> Outcome {
            scheme.outcome(SampleHead([("X-Mac", try mac("a/b/c")), ("X-Id", id)]), body)
        }
        #expect(try outcome("c", "a/b") == .valid)
        #expect(try outcome("b/c", "a") == .atHead(.malformed))
    }

    @Test func `prefix and encoding are the operator's`() throws {
        let code = try HMACKey(SecretBytes("k"), hash: .sha256).code(for: Array("b".utf8))
        let scheme = try scheme("{body}", prefix: "mac=", encoding: .hex)
        #expect(scheme.outcome(SampleHead([("x-mac", "mac=" + Hex.encode(code))]), "b") == .valid)
        #expect(scheme.outcome(SampleHead([("x-mac", "mac=" + Hex.encode(code).uppercased())]), "b") == .valid)
        for value in [Hex.encode(code), "mac=" + Base64.encode(code), "MAC=" + Hex.encode(code)] {
            #expect(scheme.outcome(SampleHead([("x-mac", value)]), "b") == .atHead(.malformed))
        }
    }

    @Test func `names are those of headers, and a prefix is visible`() {
        #expect(throws: AuthenticationError.self) { try HMACScheme.Form.custom(header: "X Mac") }
        #expect(throws: AuthenticationError.self) { try HMACScheme.Form.custom(header: "") }
        #expect(throws: AuthenticationError.self) { try HMACScheme.Form.custom(header: "X-Mac", timestampHeader: "a:b") }
        #expect(throws: AuthenticationError.self) { try HMACScheme.Form.custom(header: "X-Mac", idHeader: "é") }
        #expect(throws: AuthenticationError.self) { try HMACScheme.Form.custom(header: "X-Mac", prefix: "a b") }
    }
}
