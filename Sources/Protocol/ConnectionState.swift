public import Authentication
internal import FoundationEssentials
public import ProtocolMessages
internal import SwiftProtobuf

/// Which frame is permitted when, for one connection of the job socket: a pure state machine without input or output.
///
/// Both sides send Hello at once and Proof after the peer's Hello. Only after both proofs verified is the connection open.
/// Whatever the table does not permit ends the connection.
public struct ConnectionState: Sendable {
    /// How far the connection has come.
    public enum Phase: String, Sendable {
        case awaitingHello = "waiting for hello"
        case awaitingProof = "waiting for proof"
        case open
        case closed
    }

    /// What the owner has to do about a frame that was received.
    public enum Action: Sendable {
        case send(WireFrame)
        case opened(Peer)
        case deliver(WireFrame.OneOf_Kind)
    }

    /// Who is at the other end, as proved.
    public struct Peer: Sendable {
        /// Name of the key that signed the proof.
        public let keyID: String
        /// New at each start of the peer.
        public let epoch: [UInt8]
        /// The executor's policy; empty from an ingress.
        public let policyDigest: String
        /// It answers watches; frames about them are for such an executor only.
        public let answersWatches: Bool
    }

    /// Who this side is.
    public struct Identity: Sendable {
        let role: WireRole
        let keyID: String
        let key: Ed25519PrivateKey
        let epoch: [UInt8]
        /// What the next hello says of the executor's policy.
        public var policyDigest: String

        /// An identity for the life of the process; makes the epoch.
        public init(role: WireRole, keyID: String, key: Ed25519PrivateKey, policyDigest: String = "") {
            self.role = role
            self.keyID = keyID
            self.key = key
            self.epoch = Random.bytes(16)
            self.policyDigest = policyDigest
        }
    }

    /// How far the connection has come.
    public private(set) var phase = Phase.awaitingHello
    private let identity: Identity
    private let trusted: TrustedKeys
    private let nonce = Random.bytes(Self.nonceBytes)
    private var peer: WireHello?

    static let nonceBytes = 32
    static let epochBytes = 16

    /// A new connection; send ``hello()`` first.
    public init(identity: Identity, trusting trusted: TrustedKeys) {
        self.identity = identity
        self.trusted = trusted
    }

    /// The first frame of this side.
    public func hello() -> WireFrame {
        var hello = WireHello()
        hello.role = identity.role
        hello.protocolVersion = Frames.protocolVersion
        hello.keyID = identity.keyID
        hello.epoch = .init(identity.epoch)
        hello.nonce = .init(nonce)
        hello.policyDigest = identity.policyDigest
        if identity.role == .executor { hello.features = [.watch] }
        return .with { $0.hello = hello }
    }

    /// Takes one frame from the peer.
    ///
    /// - Throws: ``ProtocolError``; the connection must then be closed, without an answer.
    public mutating func receive(_ frame: WireFrame.OneOf_Kind) throws(ProtocolError) -> Action {
        do throws(ProtocolError) {
            switch (phase, frame) {
            case (.awaitingHello, .hello(let hello)): return .send(try answer(hello))
            case (.awaitingProof, .proof(let proof)): return .opened(try check(proof))
            case (.open, _) where mayReceive(frame): return .deliver(frame)
            default: throw ProtocolError.notPermitted(frame.name, in: phase.rawValue)
            }
        } catch {
            phase = .closed
            throw error
        }
    }

    private func mayReceive(_ frame: WireFrame.OneOf_Kind) -> Bool {
        switch frame {
        case .submit, .bodyChunk, .watch, .watchCredit, .unwatch: identity.role == .executor
        case .credit, .accepted, .output, .finished, .jobState, .watchEnd: identity.role == .ingress
        case .ping, .pong: true
        case .hello, .proof: false
        }
    }

    private mutating func answer(_ hello: WireHello) throws(ProtocolError) -> WireFrame {
        guard hello.protocolVersion == Frames.protocolVersion else { throw .wrongVersion(hello.protocolVersion) }
        guard hello.role != identity.role, hello.role == .ingress || hello.role == .executor else {
            throw .wrongRole("\(hello.role)")
        }
        guard hello.nonce.count == Self.nonceBytes, hello.epoch.count == Self.epochBytes else {
            throw .malformed("hello with a nonce of \(hello.nonce.count) and an epoch of \(hello.epoch.count) bytes")
        }
        peer = hello
        phase = .awaitingProof
        let statement = Self.statement(of: identity.role, epoch: identity.epoch, own: nonce, peer: [UInt8](hello.nonce))
        let signature: [UInt8]
        do {
            signature = try identity.key.sign(statement)
        } catch {
            throw .malformed("cannot sign the proof: \(error)")
        }
        return .with { $0.proof = .with { $0.signature = .init(signature) } }
    }

    private mutating func check(_ proof: WireProof) throws(ProtocolError) -> Peer {
        guard let peer else { throw .notPermitted("proof", in: phase.rawValue) }
        let epoch = [UInt8](peer.epoch)
        let statement = Self.statement(of: peer.role, epoch: epoch, own: [UInt8](peer.nonce), peer: nonce)
        try trusted.verify([UInt8](proof.signature), of: statement, keyID: peer.keyID, what: "hello proof")
        phase = .open
        return Peer(
            keyID: peer.keyID, epoch: epoch, policyDigest: String(peer.policyDigest.prefix(64)),
            answersWatches: peer.role == .executor && peer.features.contains(.watch))
    }

    private static func statement(of role: WireRole, epoch: [UInt8], own: [UInt8], peer: [UInt8]) -> [UInt8] {
        Envelope.preAuthentication(PayloadType.helloProof.rawValue, [UInt8(role.rawValue)] + epoch + own + peer)
    }
}

extension WireFrame.OneOf_Kind {
    /// The frame's name for messages and metrics.
    public var name: String {
        switch self {
        case .hello: "hello"
        case .proof: "proof"
        case .credit: "credit"
        case .submit: "submit"
        case .bodyChunk: "body-chunk"
        case .accepted: "accepted"
        case .output: "output"
        case .finished: "finished"
        case .ping: "ping"
        case .pong: "pong"
        case .watch: "watch"
        case .watchCredit: "watch-credit"
        case .unwatch: "unwatch"
        case .jobState: "job-state"
        case .watchEnd: "watch-end"
        }
    }
}
