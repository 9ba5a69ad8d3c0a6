import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Testing

/// Attacks on the handshake: whoever cannot sign this connection's nonces is nobody.
@Suite struct ConnectionProofTests {
    private let handshake: Handshake

    init() throws { handshake = try Handshake() }

    private func code(_ state: inout ConnectionState, _ frame: WireFrame.OneOf_Kind) -> ProtocolError.Code? {
        .of { try state.receive(frame) }
    }

    /// A proof by the ingress's key, or another one, over a statement put together by hand.
    private func proof(
        role: UInt8 = 1, epoch: some Sequence<UInt8>, own: some Sequence<UInt8>, peer: some Sequence<UInt8>,
        type: String = "application/vnd.sallyport.hello-proof.v1", key: Ed25519PrivateKey? = nil
    ) throws -> WireFrame.OneOf_Kind {
        let statement = Envelope.preAuthentication(type, [role] + Array(epoch) + Array(own) + Array(peer))
        let signature = try (key ?? handshake.ingressKey).sign(statement)
        return .proof(.with { $0.signature = .init(signature) })
    }

    private func hello(keyID: String = "edge") -> WireHello {
        .with {
            $0.role = .ingress
            $0.protocolVersion = Frames.protocolVersion
            $0.keyID = keyID
            $0.epoch = .init(Random.bytes(16))
            $0.nonce = .init(Random.bytes(32))
        }
    }

    @Test func `a proof covers role, epoch and both nonces, in that order`() throws {
        var state = handshake.state(.executor)
        let (own, peer) = (state.hello().hello, hello())
        _ = try state.receive(.hello(peer))
        #expect(code(&state, try proof(epoch: peer.epoch, own: peer.nonce, peer: own.nonce)) == nil)
    }

    @Test func `a proof over anything else is refused`() throws {
        let other = Random.bytes(32)
        let wrong: [(WireHello, WireHello) throws -> WireFrame.OneOf_Kind] = [
            { own, peer in try proof(epoch: peer.epoch, own: peer.nonce, peer: other) },
            { own, peer in try proof(epoch: peer.epoch, own: other, peer: own.nonce) },
            { own, peer in try proof(epoch: peer.epoch, own: own.nonce, peer: peer.nonce) },
            { own, peer in try proof(epoch: own.epoch, own: peer.nonce, peer: own.nonce) },
            { own, peer in try proof(role: 2, epoch: peer.epoch, own: peer.nonce, peer: own.nonce) },
            { own, peer in
                try proof(epoch: peer.epoch, own: peer.nonce, peer: own.nonce, type: PayloadType.jobRequest.rawValue)
            },
            { own, peer in try proof(epoch: peer.epoch, own: peer.nonce, peer: own.nonce, key: .generate()) },
            { _, _ in .proof(.init()) },
        ]
        for (index, make) in wrong.enumerated() {
            var state = handshake.state(.executor)
            let (own, peer) = (state.hello().hello, hello())
            _ = try state.receive(.hello(peer))
            #expect(code(&state, try make(own, peer)) == .badSignature, "case \(index)")
            #expect(state.phase == .closed)
        }
    }

    @Test func `hello and proof of another connection, sent once more, do not open this one`() throws {
        let (first, hello, proof) = try handshake.state(.executor, in: .awaitingHello)
        var (was, now) = (first, handshake.state(.executor))
        #expect(code(&was, hello) == nil)
        #expect(code(&was, proof) == nil)
        #expect(was.phase == .open)
        #expect(code(&now, hello) == nil)
        #expect(code(&now, proof) == .badSignature)
    }

    @Test func `a side's own frames sent back to it open nothing, not even where it trusts its own key`() throws {
        let key = handshake.executorKey
        let identity = ConnectionState.Identity(role: .executor, keyID: "main", key: key)
        var state = ConnectionState(identity: identity, trusting: TrustedKeys(["main": key.publicKey]))
        var reflected = state.hello().hello
        var same = state
        #expect(code(&same, .hello(reflected)) == .wrongRole)
        reflected.role = .ingress
        let proof = try Handshake.sent(state.receive(.hello(reflected)))
        #expect(code(&state, proof) == .badSignature)
    }

    @Test func `a key that nobody trusts opens nothing, whatever it is called`() throws {
        let stranger = try Ed25519PrivateKey.generate()
        for (name, expected) in [("stranger", .untrustedKey), ("", .untrustedKey), ("edge", .badSignature)]
            as [(String, ProtocolError.Code)]
        {
            var state = handshake.state(.executor)
            let (own, peer) = (state.hello().hello, hello(keyID: name))
            _ = try state.receive(.hello(peer))
            let proof = try proof(epoch: peer.epoch, own: peer.nonce, peer: own.nonce, key: stranger)
            #expect(code(&state, proof) == expected, "\(name)")
            #expect(state.phase == .closed)
        }
    }

    @Test func `after a refusal the right proof comes too late`() throws {
        var state = handshake.state(.executor)
        let (own, peer) = (state.hello().hello, hello())
        _ = try state.receive(.hello(peer))
        #expect(code(&state, .proof(.init())) == .badSignature)
        #expect(code(&state, try proof(epoch: peer.epoch, own: peer.nonce, peer: own.nonce)) == .notPermitted)
    }
}
