import Audit
import Authentication

extension FuzzTarget {
    private static let trust = made { CheckpointTrust(keys: [try Ed25519PrivateKey.generate().publicKey]) }

    /// What an auditor is handed: it is read back to the same bytes or not at all, and nothing unsigned passes.
    static let audit = [
        FuzzTarget(name: "audit-record") { bytes in
            if let record = try? AuditRecord(bytes), record.bytes != bytes { fatalError("a record of other bytes") }
            _ = try? AuditSegment(bytes)
        },
        FuzzTarget(name: "audit-note") { bytes in
            guard let note = try? SignedNote(bytes) else { return }
            guard note.bytes.elementsEqual(bytes) else { fatalError("a note of other bytes") }
            guard (try? trust.open(note)) == nil else { fatalError("a note that nobody signed passed") }
        },
        FuzzTarget(name: "audit-proof") { bytes in
            guard let proof = try? JobProof(bytes) else { return }
            guard (try? proof.verify(trust)) == nil else { fatalError("a proof that nobody signed passed") }
        },
    ]
}
