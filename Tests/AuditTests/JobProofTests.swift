import Authentication
import Testing

@testable import Audit

struct JobProofTests {
    private let log: SampleLog
    private let proof: JobProof

    init() throws {
        log = try SampleLog()
        let tree = (0..<7).reduce(into: MerkleTree()) { $0.append(.leaf(SampleLog.record($1).bytes)) }
        proof = JobProof(
            job: "job 1",
            entries: [1, 4].map {
                .init(record: SampleLog.record($0).bytes, path: tree.inclusionProof(of: UInt64($0), size: 7) ?? [])
            },
            checkpoint: log.checkpoints[2],
            earlier: .init(checkpoint: log.checkpoints[0], path: tree.consistencyProof(from: 2, to: 7) ?? []))
    }

    @Test func `a proof stands alone: its file and the executor's public key are enough`() throws {
        let outcome = try JobProof(proof.bytes).verify(log.trust)
        #expect(outcome.records == [SampleLog.record(1), SampleLog.record(4)])
        #expect(outcome.checkpoint.size == 7)
        #expect(outcome.earlier?.size == 2)
    }

    @Test func `whatever is changed in a proof, it proves nothing else`() throws {
        let good = proof.bytes
        let records = try proof.verify(log.trust).records
        for place in good.indices.dropLast() {
            var bytes = good
            bytes[place] ^= 1 << UInt8(place % 8)
            guard let outcome = try? JobProof(bytes).verify(log.trust) else { continue }
            // The name of the part that may be left out is the only thing that may change.
            #expect(outcome.records == records && outcome.earlier == nil, "byte \(place)")
        }
    }

    @Test func `a record of another job or at another place is refused`() throws {
        func verify(_ entries: [JobProof.Entry]) throws {
            _ = try JobProof(job: "job 1", entries: entries, checkpoint: proof.checkpoint, earlier: nil).verify(log.trust)
        }
        #expect(throws: Never.self) { try verify(proof.entries) }
        #expect(throws: AuditError.self) { try verify(proof.entries.reversed()) }
        #expect(throws: AuditError.self) { try verify([]) }
        #expect(throws: AuditError.self) {
            try verify([.init(record: SampleLog.record(2).bytes, path: proof.entries[0].path)])
        }
        #expect(throws: AuditError.self) {
            try verify([.init(record: proof.entries[0].record, path: proof.entries[1].path)])
        }
    }

    @Test func `a proof under another key is refused`() throws {
        let other = CheckpointTrust(keys: [try Ed25519PrivateKey.generate().publicKey])
        #expect(throws: AuditError.self) { try proof.verify(other) }
    }

    @Test func `an earlier checkpoint that is not of the same log is refused`() throws {
        let foreign = try Checkpoint(origin: SampleLog.origin, size: 2, root: .leaf([1])).signed(with: log.key)
        let earlier = JobProof.Earlier(checkpoint: foreign, path: proof.earlier?.path ?? [])
        let changed = JobProof(job: proof.job, entries: proof.entries, checkpoint: proof.checkpoint, earlier: earlier)
        #expect(throws: AuditError.self) { try changed.verify(log.trust) }
    }
}
