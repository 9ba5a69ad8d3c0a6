import Authentication
import JobProtocol
import ProtocolMessages
import SwiftProtobuf
import Testing

@Suite struct ConnectionStateTests {
    private let handshake: Handshake
    private static let phases: [ConnectionState.Phase] = [.awaitingHello, .awaitingProof, .open, .closed]

    init() throws { handshake = try Handshake() }

    /// The contract: what each side may receive in each phase. What is not here is a violation.
    private static let permitted: [WireRole: [ConnectionState.Phase: Set<String>]] = [
        .ingress: [
            .awaitingHello: ["hello"], .awaitingProof: ["proof"],
            .open: ["credit", "accepted", "output", "finished", "job-state", "watch-end", "ping", "pong"],
        ],
        .executor: [
            .awaitingHello: ["hello"], .awaitingProof: ["proof"],
            .open: ["submit", "body-chunk", "watch", "watch-credit", "unwatch", "ping", "pong"],
        ],
    ]

    @Test func `each side opens once the other has proved itself, and says who that is`() throws {
        var (ingress, executor) = (handshake.state(.ingress), handshake.state(.executor))
        let hellos = try (ingress: Handshake.kind(ingress.hello()), executor: Handshake.kind(executor.hello()))
        let executorProof = try Handshake.sent(executor.receive(hellos.ingress))
        let ingressProof = try Handshake.sent(ingress.receive(hellos.executor))
        #expect(ingress.phase == .awaitingProof)
        let main = try Handshake.peer(ingress.receive(executorProof))
        let edge = try Handshake.peer(executor.receive(ingressProof))
        #expect(ingress.phase == .open)
        #expect(executor.phase == .open)
        #expect(main.keyID == "main")
        #expect(main.policyDigest == "0123abcd")
        #expect(edge.keyID == "edge")
        #expect(edge.policyDigest == "")
        #expect(main.epoch.count == 16)
        #expect(main.epoch != edge.epoch)
    }

    @Test(arguments: [WireRole.ingress, .executor], phases)
    func `each frame is permitted exactly where the contract says so`(role: WireRole, phase: ConnectionState.Phase) throws {
        let (_, hello, proof) = try handshake.state(role, in: phase)
        let frames: [WireFrame.OneOf_Kind] = [
            hello, proof, .credit(.init()), .submit(.init()), .bodyChunk(.init()), .accepted(.init()), .output(.init()),
            .finished(.init()), .ping(.init()), .pong(.init()), .watch(.init()), .watchCredit(.init()), .unwatch(.init()),
            .jobState(.init()), .watchEnd(.init()),
        ]
        #expect(Set(frames.map(\.name)).count == 15)
        for frame in frames {
            // Each time anew, with the peer's right frames for that connection.
            let fresh = try handshake.state(role, in: phase)
            var state = fresh.state
            let sent =
                switch frame {
                case .hello: fresh.hello
                case .proof: fresh.proof
                default: frame
                }
            let code = ProtocolError.Code.of { try state.receive(sent) }
            if Self.permitted[role]?[phase]?.contains(frame.name) == true {
                #expect(code == nil, "\(frame.name)")
                #expect(state.phase != .closed, "\(frame.name)")
            } else {
                #expect(code == .notPermitted, "\(frame.name)")
                #expect(state.phase == .closed, "\(frame.name)")
            }
        }
    }

    @Test func `an open connection hands on what it was given, unchanged`() throws {
        var state = try handshake.state(.executor, in: .open).state
        let chunk = WireFrame.OneOf_Kind.bodyChunk(
            .with {
                $0.jobID = "a"
                $0.data = .init([1, 2])
            })
        guard case .deliver(let delivered) = try state.receive(chunk) else {
            Issue.record("not delivered")
            return
        }
        #expect(delivered == chunk)
    }

    @Test(arguments: [0, 1, 3, UInt32.max] as [UInt32])
    func `a peer of another version is refused`(version: UInt32) throws {
        try expectHello(.wrongVersion) { $0.protocolVersion = version }
    }

    @Test(arguments: [WireRole.executor, .unspecified, WireRole(rawValue: 7) ?? .executor])
    func `a peer that is no ingress is refused by the executor`(role: WireRole) throws {
        try expectHello(.wrongRole) { $0.role = role }
    }

    @Test func `two ingresses refuse each other`() throws {
        var state = handshake.state(.ingress)
        let hello = try Handshake.kind(handshake.state(.ingress).hello())
        #expect(ProtocolError.Code.of { try state.receive(hello) } == .wrongRole)
    }

    @Test(arguments: [0, 31, 33, 4096])
    func `a nonce has 32 bytes`(count: Int) throws {
        try expectHello(.malformed) { $0.nonce = .init(repeating: 1, count: count) }
    }

    @Test(arguments: [0, 15, 17, 4096])
    func `an epoch has 16 bytes`(count: Int) throws {
        try expectHello(.malformed) { $0.epoch = .init(repeating: 1, count: count) }
    }

    /// The executor refuses an ingress's hello with this change, and accepts it without.
    private func expectHello(_ code: ProtocolError.Code, _ change: (inout WireHello) -> Void) throws {
        let good = try #require(handshake.state(.ingress).hello().kind)
        guard case .hello(var hello) = good else { return }
        change(&hello)
        var state = handshake.state(.executor)
        #expect(ProtocolError.Code.of { try state.receive(.hello(hello)) } == code)
        #expect(state.phase == .closed)
        var other = handshake.state(.executor)
        #expect(ProtocolError.Code.of { try other.receive(good) } == nil)
    }

    @Test func `an executor says that it answers watches, and one that does not say so is not asked`() throws {
        #expect(handshake.state(.executor).hello().hello.features == [.watch])
        #expect(handshake.state(.ingress).hello().hello.features.isEmpty)
        for (features, answers) in [([.watch], true), ([], false), ([.UNRECOGNIZED(9), .unspecified], false)]
            as [([WireFeature], Bool)]
        {
            var (ingress, executor) = (handshake.state(.ingress), handshake.state(.executor))
            var hello = executor.hello().hello
            hello.features = features
            let proof = try Handshake.sent(executor.receive(Handshake.kind(ingress.hello())))
            _ = try ingress.receive(.hello(hello))
            #expect(try Handshake.peer(ingress.receive(proof)).answersWatches == answers)
        }
    }

    @Test func `each connection has a nonce of its own, all of a process have its epoch`() {
        let (first, second) = (handshake.state(.executor).hello().hello, handshake.state(.executor).hello().hello)
        #expect(first.nonce != second.nonce)
        #expect(first.nonce.count == 32)
        #expect(first.epoch == second.epoch)
    }

    @Test func `of a policy digest no more is kept than a digest has`() throws {
        let identity = ConnectionState.Identity(
            role: .executor, keyID: "main", key: handshake.executorKey, policyDigest: String(repeating: "f", count: 5000))
        var (executor, ingress) = (
            ConnectionState(identity: identity, trusting: TrustedKeys(["edge": handshake.ingressKey.publicKey])),
            handshake.state(.ingress)
        )
        let proof = try Handshake.sent(executor.receive(Handshake.kind(ingress.hello())))
        _ = try ingress.receive(Handshake.kind(executor.hello()))
        #expect(try Handshake.peer(ingress.receive(proof)).policyDigest == String(repeating: "f", count: 64))
    }
}
