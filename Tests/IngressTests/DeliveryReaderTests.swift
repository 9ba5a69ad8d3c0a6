import Authentication
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Ingress

@Suite struct DeliveryReaderTests {
    private let folder: TemporaryFolder
    private let signature: HookdeckSignature

    init() throws {
        folder = try TemporaryFolder()
        signature = try HookdeckSignature(secrets: [SecretBytes(copying: "signing-secret".utf8)])
    }

    private func reader(_ headers: [(String, String)] = [], maximum: String = "10B", verifies: Bool = false) throws
        -> DeliveryReader
    {
        var verify = "none"
        if verifies { verify = "{hookdeck: {secret: {file: \(try folder.write("secret", "signing-secret"))}}}" }
        let hook = try Samples.hook("maximum-body: \(maximum)", verify: verify)
        return DeliveryReader(
            hook: hook,
            head: HTTPRequestHead(version: .http1_1, method: .POST, uri: "/hooks/github", headers: HTTPHeaders(headers)))
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

    @Test func `a hook without verification has no verdict`() throws {
        #expect(try reader().verify() == nil)
    }

    @Test func `the signature is of all bytes in their order, and is asked for once`() throws {
        let good = signature.sign(Array("abcdef".utf8))
        let reader = try reader([("X-Hookdeck-Signature", good)], verifies: true)
        for piece in ["ab", "", "cdef"] { #expect(reader.append(ByteBuffer(string: piece)) == nil) }
        #expect(reader.verify() == .valid)
        #expect(reader.verify() == nil)
    }

    @Test func `any other signature, none and two are not valid`() throws {
        let good = signature.sign(Array("abcdef".utf8))
        for (headers, verdict) in [
            ([], .missing), ([("x-hookdeck-signature", "")], .missing),
            ([("x-hookdeck-signature", signature.sign(Array("abcdeg".utf8)))], .mismatch),
            ([("x-hookdeck-signature", "AAAA")], .malformed),
            ([("x-hookdeck-signature", good), ("x-hookdeck-signature", good)], .malformed),
            ([("x-hookdeck-signature-2", good)], .valid),
        ] as [([(String, String)], HookdeckVerification.Verdict)] {
            let reader = try reader(headers, verifies: true)
            #expect(reader.append(ByteBuffer(string: "abcdef")) == nil)
            #expect(reader.verify() == verdict, "\(headers)")
        }
    }
}
