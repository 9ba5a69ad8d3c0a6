import Authentication
import Testing

@testable import Executor

@Suite struct SignerTests {
    private let signer = Signer()
    private let key: Ed25519PrivateKey
    private let identity: IdentityKey

    init() throws {
        key = try .generate()
        identity = try IdentityKey(key.pem(), origin: "test")
    }

    private var blob: [UInt8] { AuthenticationBlob(identity).bytes }

    private func refusal(lease: UInt64, _ blob: [UInt8], now: Int64 = Samples.now) -> String? {
        do throws(SignerError) {
            _ = try signer.permit(lease: lease, blob: blob, now: now)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `a lease's request is signed by its identity`() throws {
        signer.open(lease: 1, user: "deploy", identity: identity)
        let permit = try signer.permit(lease: 1, blob: blob, now: Samples.now)
        #expect(permit.user == "deploy")
        #expect(permit.sessionID == [UInt8](repeating: 9, count: 32))
        #expect(key.publicKey.verify(signature: try signer.sign(permit), of: blob))
    }

    @Test func `a lease has one signature, the same request or another`() throws {
        signer.open(lease: 1, user: "deploy", identity: identity)
        #expect(refusal(lease: 1, blob) == nil)
        #expect(refusal(lease: 1, blob) == "signature refused: the lease's signature was given already")
        var other = AuthenticationBlob(identity)
        other.session = [UInt8](repeating: 8, count: 32)
        #expect(refusal(lease: 1, other.bytes) == "signature refused: the lease's signature was given already")
    }

    @Test func `the next lease has its own`() throws {
        signer.open(lease: 1, user: "deploy", identity: identity)
        signer.open(lease: 2, user: "deploy", identity: identity)
        #expect(refusal(lease: 1, blob) == nil)
        #expect(refusal(lease: 2, blob) == nil)
        #expect(refusal(lease: 2, blob) != nil)
    }

    @Test func `without a lease, before it and after it, nothing is signed`() throws {
        #expect(refusal(lease: 1, blob) == "signature refused: no such lease")
        signer.open(lease: 1, user: "deploy", identity: identity)
        #expect(refusal(lease: 2, blob) == "signature refused: no such lease")
        signer.close(lease: 1)
        #expect(refusal(lease: 1, blob) == "signature refused: no such lease")
    }

    @Test func `a lease is for its user and its identity, whatever others are open`() throws {
        signer.open(lease: 1, user: "deploy", identity: identity)
        signer.open(lease: 2, user: "root", identity: try Samples.identity())
        #expect(refusal(lease: 2, blob) == "signature refused: user")
        var root = AuthenticationBlob(identity)
        root.user = "root"
        #expect(refusal(lease: 2, root.bytes) == "signature refused: public key")
        #expect(refusal(lease: 1, root.bytes) == "signature refused: user")
    }

    @Test func `what was refused was not signed: the right request still may be`() throws {
        signer.open(lease: 1, user: "deploy", identity: identity)
        #expect(refusal(lease: 1, Array(blob.dropLast())) != nil)
        #expect(refusal(lease: 1, blob) == nil)
    }

    @Test func `signatures are limited each second`() throws {
        for lease in 1...UInt64(Signer.maximumRate) + 2 { signer.open(lease: lease, user: "deploy", identity: identity) }
        let blob = blob
        for lease in 1...UInt64(Signer.maximumRate) { #expect(refusal(lease: lease, blob) == nil) }
        let next = UInt64(Signer.maximumRate) + 1
        #expect(refusal(lease: next, blob, now: Samples.now + 999) == "signature refused: more than 200 signatures a second")
        #expect(refusal(lease: next, blob, now: Samples.now + 1000) == nil)
    }

    @Test func `of many who ask at once for one lease, one gets its signature`() async throws {
        signer.open(lease: 1, user: "deploy", identity: identity)
        let (signer, blob) = (signer, blob)
        let given = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { (try? signer.permit(lease: 1, blob: blob, now: Samples.now)) != nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(given == 1)
    }
}
