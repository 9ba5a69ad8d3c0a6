public import Authentication
internal import FoundationEssentials
public import ProtocolMessages

/// What a signed envelope may hold. The type is part of what is signed, so one kind can never be read as another.
public enum PayloadType: String, Sendable {
    case jobRequest = "application/vnd.sallyport.job-request.v1+protobuf"
    case jobAcceptance = "application/vnd.sallyport.job-acceptance.v1+protobuf"
    case jobResult = "application/vnd.sallyport.job-result.v1+protobuf"
    case helloProof = "application/vnd.sallyport.hello-proof.v1"
}

/// Signs payloads and opens signed ones: Ed25519 over the DSSE v1 pre-authentication encoding.
///
/// The bytes that were signed are the bytes that travel and are kept as evidence; nothing is serialised again.
/// Source: DSSE protocol, https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
public enum Envelope {
    /// Bytes of the longest key id that is looked at.
    public static let maximumKeyID = 64

    /// Signs `payload` under the name `keyID`.
    public static func seal(
        _ payload: [UInt8], as type: PayloadType, keyID: String, key: Ed25519PrivateKey
    ) throws(AuthenticationError) -> WireSignedEnvelope {
        var envelope = WireSignedEnvelope()
        envelope.payloadType = type.rawValue
        envelope.keyID = keyID
        envelope.signature = .init(try key.sign(preAuthentication(type.rawValue, payload)))
        envelope.payload = .init(payload)
        return envelope
    }

    /// The payload, after its type, key and signature were checked; nothing of it is parsed before.
    ///
    /// - Throws: ``ProtocolError`` with `wrongPayloadType`, `untrustedKey` or `badSignature`.
    public static func open(
        _ envelope: WireSignedEnvelope, expecting type: PayloadType, trusting keys: TrustedKeys
    ) throws(ProtocolError) -> [UInt8] {
        guard envelope.payloadType == type.rawValue else {
            throw .wrongPayloadType(String(envelope.payloadType.prefix(80)), expected: type.rawValue)
        }
        let payload = [UInt8](envelope.payload)
        try keys.verify(
            [UInt8](envelope.signature), of: preAuthentication(type.rawValue, payload), keyID: envelope.keyID, what: "envelope")
        return payload
    }

    /// `"DSSEv1" SP length(type) SP type SP length(body) SP body`, lengths in decimal bytes.
    public static func preAuthentication(_ type: String, _ body: [UInt8]) -> [UInt8] {
        let head = "DSSEv1 \(type.utf8.count) \(type) \(body.count) "
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.utf8.count + body.count)
        bytes.append(contentsOf: head.utf8)
        bytes.append(contentsOf: body)
        return bytes
    }
}

/// The public keys of the other side by name. Several are trusted at once while one replaces another.
public struct TrustedKeys: Sendable {
    private let keys: [String: Ed25519PublicKey]

    /// Trusts exactly `keys`; none means that nobody is trusted.
    public init(_ keys: [String: Ed25519PublicKey]) { self.keys = keys }

    /// Checks one signature under the key of that name.
    func verify(_ signature: [UInt8], of bytes: [UInt8], keyID: String, what: String) throws(ProtocolError) {
        guard keyID.utf8.count <= Envelope.maximumKeyID, let key = keys[keyID] else {
            throw .untrustedKey(String(keyID.prefix(Envelope.maximumKeyID)))
        }
        guard key.verify(signature: signature, of: bytes) else { throw .badSignature(what) }
    }
}
