import Authentication
import ProtocolMessages
import SwiftProtobuf

@testable import JobProtocol

/// Two sides of a job socket that trust each other, with the frames of their handshake at hand.
struct Handshake {
    let ingressKey: Ed25519PrivateKey
    let executorKey: Ed25519PrivateKey
    private let ingress: ConnectionState.Identity
    private let executor: ConnectionState.Identity

    init() throws {
        ingressKey = try .generate()
        executorKey = try .generate()
        ingress = .init(role: .ingress, keyID: "edge", key: ingressKey)
        executor = .init(role: .executor, keyID: "main", key: executorKey, policyDigest: "0123abcd")
    }

    /// A new connection of that role, which trusts the other's key.
    func state(_ role: WireRole) -> ConnectionState {
        role == .ingress
            ? ConnectionState(identity: ingress, trusting: TrustedKeys(["main": executorKey.publicKey]))
            : ConnectionState(identity: executor, trusting: TrustedKeys(["edge": ingressKey.publicKey]))
    }

    /// A connection of that role in that phase, with the frames of its peer that are right in the phases before.
    func state(
        _ role: WireRole, in phase: ConnectionState.Phase
    ) throws -> (state: ConnectionState, hello: WireFrame.OneOf_Kind, proof: WireFrame.OneOf_Kind) {
        var (own, peer) = (state(role), state(role == .ingress ? .executor : .ingress))
        let hello = try Self.kind(peer.hello())
        let proof = try Self.sent(peer.receive(Self.kind(own.hello())))
        if phase == .closed {
            _ = try? own.receive(.ping(.init()))
        } else if phase != .awaitingHello {
            _ = try own.receive(hello)
            if phase == .open { _ = try own.receive(proof) }
        }
        return (own, hello, proof)
    }

    static func kind(_ frame: WireFrame) throws -> WireFrame.OneOf_Kind {
        guard let kind = frame.kind else { throw Failure(action: "no frame") }
        return kind
    }

    /// The frame that is to be sent.
    static func sent(_ action: ConnectionState.Action) throws -> WireFrame.OneOf_Kind {
        guard case .send(let frame) = action else { throw Failure(action: "\(action)") }
        return try kind(frame)
    }

    /// The peer that was proved.
    static func peer(_ action: ConnectionState.Action) throws -> ConnectionState.Peer {
        guard case .opened(let peer) = action else { throw Failure(action: "\(action)") }
        return peer
    }

    struct Failure: Error { let action: String }
}
