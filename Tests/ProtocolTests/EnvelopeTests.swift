import Authentication
import JobProtocol
import ProtocolMessages
import Testing

@Suite struct EnvelopeTests {
    private let key: Ed25519PrivateKey
    private let other: Ed25519PrivateKey
    private let trusted: TrustedKeys
    private let payload = Array("deploy 4f2c".utf8)

    init() throws {
        key = try .generate()
        other = try .generate()
        trusted = TrustedKeys(["edge": key.publicKey, "edge-next": other.publicKey])
    }

    private func sealed() throws -> WireSignedEnvelope { try Envelope.seal(payload, as: .jobRequest, keyID: "edge", key: key) }

    private func refusal(_ envelope: WireSignedEnvelope, _ type: PayloadType = .jobRequest, _ keys: TrustedKeys? = nil)
        -> ProtocolError.Code?
    {
        .of { try Envelope.open(envelope, expecting: type, trusting: keys ?? trusted) }
    }

    /// The examples of the DSSE protocol's definition of PAE.
    @Test(arguments: [
        ("http://example.com/HelloWorld", "hello world", "DSSEv1 29 http://example.com/HelloWorld 11 hello world"),
        ("", "", "DSSEv1 0  0 "),
        // Lengths are in bytes.
        ("é", "ü €", "DSSEv1 2 é 6 ü €"),
    ])
    func `the pre-authentication encoding is that of DSSE`(type: String, body: String, expected: String) {
        #expect(Envelope.preAuthentication(type, Array(body.utf8)) == Array(expected.utf8))
    }

    @Test(arguments: [[], [0], Array("deploy".utf8), [UInt8](repeating: 0xff, count: 60_000)] as [[UInt8]])
    func `what was sealed is opened to the same bytes`(payload: [UInt8]) throws {
        let envelope = try Envelope.seal(payload, as: .jobResult, keyID: "edge", key: key)
        #expect([UInt8](envelope.payload) == payload)
        #expect(try Envelope.open(envelope, expecting: .jobResult, trusting: trusted) == payload)
    }

    @Test func `the signature is plain Ed25519 over that encoding`() throws {
        let envelope = try sealed()
        let signed = Envelope.preAuthentication("application/vnd.sallyport.job-request.v1+protobuf", payload)
        #expect(key.publicKey.verify(signature: [UInt8](envelope.signature), of: signed))
    }

    @Test func `any byte of the payload or the signature that is changed, added or left out is noticed`() throws {
        let good = try sealed()
        for field in [\WireSignedEnvelope.payload, \.signature] {
            for index in 0..<good[keyPath: field].count {
                var envelope = good
                var bytes = [UInt8](good[keyPath: field])
                bytes[index] ^= 0x01
                envelope[keyPath: field] = .init(bytes)
                #expect(refusal(envelope) == .badSignature, "byte \(index)")
            }
            var envelope = good
            envelope[keyPath: field] = good[keyPath: field] + [0]
            #expect(refusal(envelope) == .badSignature)
            envelope[keyPath: field] = good[keyPath: field].dropLast()
            #expect(refusal(envelope) == .badSignature)
            envelope[keyPath: field] = .init()
            #expect(refusal(envelope) == .badSignature)
        }
        #expect(refusal(good) == nil)
    }

    @Test func `any byte of the type that is changed is noticed`() throws {
        let good = try sealed()
        let type = Array(good.payloadType.utf8)
        for index in type.indices {
            var changed = type
            changed[index] ^= 0x01
            var envelope = good
            envelope.payloadType = String(decoding: changed, as: UTF8.self)
            #expect(refusal(envelope) == .wrongPayloadType, "byte \(index)")
        }
    }

    @Test func `one kind is never opened as another, not under its own name and not under the other's`() throws {
        let kinds: [PayloadType] = [.jobRequest, .jobAcceptance, .jobResult, .helloProof]
        for sealed in kinds {
            for expected in kinds where sealed != expected {
                var envelope = try Envelope.seal(payload, as: sealed, keyID: "edge", key: key)
                #expect(refusal(envelope, expected) == .wrongPayloadType)
                envelope.payloadType = expected.rawValue
                #expect(refusal(envelope, expected) == .badSignature)
            }
        }
    }

    @Test func `any byte of the key id that is changed is noticed, and another trusted key's name does not help`() throws {
        let good = try sealed()
        let id = Array(good.keyID.utf8)
        for index in id.indices {
            var changed = id
            changed[index] ^= 0x01
            var envelope = good
            envelope.keyID = String(decoding: changed, as: UTF8.self)
            #expect(refusal(envelope) == .untrustedKey, "byte \(index)")
        }
        var envelope = good
        envelope.keyID = "edge-next"
        #expect(refusal(envelope) == .badSignature)
        envelope.keyID = ""
        #expect(refusal(envelope) == .untrustedKey)
    }

    @Test func `while one key replaces another both are trusted, and without keys nobody is`() throws {
        let old = try sealed()
        let new = try Envelope.seal(payload, as: .jobRequest, keyID: "edge-next", key: other)
        #expect(refusal(old) == nil)
        #expect(refusal(new) == nil)
        #expect(refusal(old, .jobRequest, TrustedKeys(["edge-next": other.publicKey])) == .untrustedKey)
        #expect(refusal(old, .jobRequest, TrustedKeys([:])) == .untrustedKey)
    }

    @Test func `a key id is looked at up to its limit`() throws {
        for (count, expected) in [(64, nil), (65, .untrustedKey)] as [(Int, ProtocolError.Code?)] {
            let id = String(repeating: "k", count: count)
            let envelope = try Envelope.seal(payload, as: .jobRequest, keyID: id, key: key)
            #expect(refusal(envelope, .jobRequest, TrustedKeys([id: key.publicKey])) == expected)
        }
    }

    @Test func `a refusal repeats neither payload nor signature`() throws {
        var envelope = try sealed()
        envelope.payloadType = "text/\u{1b}[2J" + String(repeating: "x", count: 1000)
        let error = #expect(throws: ProtocolError.self) {
            try Envelope.open(envelope, expecting: .jobRequest, trusting: trusted)
        }
        #expect(error?.description.contains("deploy") == false)
        #expect(error?.description.contains("\u{1b}") == false)
        #expect(error.map { $0.description.utf8.count < 300 } == true)
    }
}
