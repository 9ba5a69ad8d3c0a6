import Authentication
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Ingress

@Suite struct DeliveryReaderTests {
    private let folder: TemporaryFolder
    private let scheme: HMACScheme

    init() throws {
        folder = try TemporaryFolder()
        scheme = try HMACScheme(.hookdeck, secrets: [SecretBytes(copying: "signing-secret".utf8)])
    }

    private func reader(_ headers: [(String, String)] = [], maximum: String = "10B", verifies: Bool = false) throws
        -> DeliveryReader
    {
        var verify = "none"
        if verifies { verify = "{hookdeck: {secret: {file: \(try folder.write("secret", "signing-secret"))}}}" }
        let hook = try Samples.hook("maximum-body: \(maximum)", verify: verify)
        return try DeliveryReader(
            hook: hook,
            head: HTTPRequestHead(version: .http1_1, method: .POST, uri: "/hooks/github", headers: HTTPHeaders(headers)), now: 0)
    }

    @Test func `a body is read up to the limit, in one piece and in many`() throws {
        for pieces in [[10], [4, 6], [0, 9, 1], Array(repeating: 1, count: 10)] {
            let reader = try reader()
            for count in pieces { #expect(reader.append(ByteBuffer(repeating: 7, count: count)) == nil, "\(pieces)") }
            #expect(reader.body == ByteBuffer(repeating: 7, count: 10))
        }
    }

    @Test func `one byte more is too large, and is not kept`() throws {
        for pieces in [[11], [10, 1], [4, 7]] {
            let reader = try reader()
            var answer: Answer?
            for count in pieces { answer = reader.append(ByteBuffer(repeating: 7, count: count)) }
            #expect(answer?.status == .payloadTooLarge, "\(pieces)")
            #expect(reader.body.readableBytes <= 10)
        }
    }

    @Test func `an announced length does not make room beyond the limit`() throws {
        let reader = try reader([("Content-Length", "4294967296")], maximum: "1KiB")
        #expect(reader.body.capacity <= 2048)
    }

    @Test func `a hook without verification refuses nothing`() throws {
        #expect(throws: Never.self) { try reader().verify() }
    }

    private func sign(_ body: String) throws -> String {
        try scheme.sign(WebhookMessage(body: Array(body.utf8), id: "", time: 0)).headers[0].value
    }

    @Test func `the signature is of all bytes in their order`() throws {
        let reader = try reader([("X-Hookdeck-Signature", try sign("abcdef"))], verifies: true)
        for piece in ["ab", "", "cdef"] { #expect(reader.append(ByteBuffer(string: piece)) == nil) }
        #expect(throws: Never.self) { try reader.verify() }
    }

    @Test func `what the head lacks is told before any of the body is taken`() throws {
        let good = try sign("abcdef")
        for (headers, reason) in [
            ([], .missing), ([("x-hookdeck-signature", "")], .missing), ([("x-hookdeck-signature", "AAAA")], .malformed),
            ([("x-hookdeck-signature", good), ("x-hookdeck-signature", good)], .malformed),
        ] as [([(String, String)], WebhookRefusal.Reason)] {
            let refusal = #expect(throws: WebhookRefusal.self) { try reader(headers, verifies: true) }
            #expect(refusal?.reason == reason, "\(headers)")
        }
    }

    @Test func `another body is a mismatch, in either header`() throws {
        for (name, body, isValid) in [
            ("x-hookdeck-signature", "abcdef", true), ("x-hookdeck-signature-2", "abcdef", true),
            ("x-hookdeck-signature", "abcdeg", false), ("x-hookdeck-signature-2", "abcde", false),
        ] {
            let reader = try reader([(name, try sign(body))], verifies: true)
            #expect(reader.append(ByteBuffer(string: "abcdef")) == nil)
            #expect(((try? reader.verify()) != nil) == isValid, "\(name) \(body)")
        }
    }
}
