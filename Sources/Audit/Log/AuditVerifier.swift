/// Holds records, as they come in the order of the log, against the checkpoints that were signed of it.
public struct AuditVerifier: Sendable {
    /// What was found out.
    public struct Outcome: Sendable, Equatable {
        /// Names the log.
        public let origin: String
        /// The first record that was there; those before it are vouched for by a checkpoint, and were not looked at.
        public let first: UInt64
        /// Records in all.
        public let size: UInt64
        /// The root over them.
        public let root: MerkleHash
        /// Checkpoints that hold.
        public let checkpoints: Int
        /// Records that the newest of them covers.
        public let covered: UInt64
        /// Checkpoints of fewer records than ``first``, which say nothing about the files that are there.
        public let skipped: Int
    }

    private var origin: String
    private var first: UInt64?
    private var tree = MerkleFrontier()
    /// Those still to be met, in the order of their sizes.
    private var open: ArraySlice<Checkpoint>
    private var checked = 0
    private var covered: UInt64 = 0
    private var skipped = 0

    /// - Throws: ``AuditError`` when the checkpoints are not of one log, contradict each other, or there is none.
    public init(_ checkpoints: [Checkpoint]) throws(AuditError) {
        guard let origin = checkpoints.first?.origin else {
            throw AuditError("no checkpoint: nothing that is signed says what the log must be")
        }
        self.origin = origin
        let sorted = checkpoints.sorted { $0.size < $1.size }
        for checkpoint in sorted where checkpoint.origin != origin {
            throw AuditError("checkpoints of two logs, \(origin) and \(checkpoint.origin)")
        }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.size == next.size && one.root != next.root {
            throw AuditError("two signed checkpoints of \(one.size) records have different roots: the log was written twice")
        }
        open = sorted[...]
    }

    /// A file begins.
    public mutating func begin(_ segment: AuditSegment) throws(AuditError) {
        guard segment.origin == origin else { throw AuditError("the file is of the log \(segment.origin), not of \(origin)") }
        guard first != nil else {
            first = segment.first
            tree = segment.before
            skipped = open.prefix { $0.size < segment.first }.count
            open = open.dropFirst(skipped)
            // Nobody but the executor may say what was before.
            guard segment.first == 0 || open.first?.size == segment.first else {
                throw AuditError(
                    "the log begins with record \(segment.first), and no checkpoint of \(segment.first) records is there")
            }
            return try meet()
        }
        guard segment.first == tree.size else {
            throw AuditError("the file begins with record \(segment.first), the one before ends with \(tree.size) records")
        }
        guard segment.before == tree else { throw AuditError("the head of the file is not of the records before it") }
    }

    /// The next record, as a line without its newline.
    public mutating func take(_ line: some Collection<UInt8>) throws(AuditError) -> (record: AuditRecord, leaf: MerkleHash) {
        let record = try AuditRecord(line)
        guard record.index == tree.size else { throw AuditError("record \(record.index), expected \(tree.size)") }
        let leaf = MerkleHash.leaf(line)
        tree.append(leaf)
        try meet()
        return (record, leaf)
    }

    private mutating func meet() throws(AuditError) {
        while let next = open.first, next.size == tree.size {
            guard next.root == tree.root else {
                throw AuditError(
                    "records \(covered) to \(next.size - min(1, next.size)) are not those of the checkpoint that was signed of "
                        + "\(next.size) records: one of them was changed, put in or taken away")
            }
            open.removeFirst()
            checked += 1
            covered = next.size
        }
    }

    /// All records were taken.
    public func finish() throws(AuditError) -> Outcome {
        guard let first else { throw AuditError("no file with records") }
        if let missing = open.first {
            throw AuditError(
                "the log ends after \(tree.size) records, and a checkpoint was signed of \(missing.size): records were cut off its end"
            )
        }
        return Outcome(
            origin: origin, first: first, size: tree.size, root: tree.root, checkpoints: checked, covered: covered,
            skipped: skipped)
    }
}
