internal import Audit
internal import GRDB

/// The records of one transaction, as the journal's table `audit` keeps them until a checkpoint covers them in the log's file.
struct AuditBatch: Sendable {
    /// The first of them.
    let first: UInt64
    /// The tree over all records, these too.
    let tree: MerkleFrontier
    /// A line each.
    let lines: [UInt8]

    /// Records in it.
    var count: Int { Int(tree.size - first) }

    /// The records that follow on `tree`.
    init(_ events: [AuditEvent], after tree: MerkleFrontier) {
        var (next, lines): (MerkleFrontier, [UInt8]) = (tree, [])
        for event in events {
            let line = AuditRecord(index: next.size, event: event).bytes
            next.append(.leaf(line))
            lines += line
            lines.append(0x0a)
        }
        first = tree.size
        self.tree = next
        self.lines = lines
    }

    private init(_ row: Row) throws(AuditError) {
        let (first, size): (Int64, Int64) = (row["first"], row["size"])
        let subtrees = [UInt8](row["subtrees"] as DatabaseBytes)
        let hashes = stride(from: 0, to: subtrees.count, by: MerkleHash.byteCount).compactMap {
            MerkleHash(subtrees[$0..<min($0 + MerkleHash.byteCount, subtrees.count)])
        }
        guard first >= 0, size > first, let tree = MerkleFrontier(size: UInt64(size), subtrees: hashes) else {
            throw AuditError("the journal's table `audit` is damaged at record \(first)")
        }
        self.first = UInt64(first)
        self.tree = tree
        lines = [UInt8](row["lines"] as DatabaseBytes)
    }

    /// Those the journal has still, in order; the newest is always among them.
    static func all(_ database: Database) throws -> [AuditBatch] {
        var batches: [AuditBatch] = []
        let rows = try Row.fetchCursor(database, sql: "SELECT first, size, subtrees, lines FROM audit ORDER BY first")
        while let row = try rows.next() { batches.append(try AuditBatch(row)) }
        return batches
    }

    /// Writes the batch within a transaction.
    func insert(_ database: Database) throws {
        var subtrees: [UInt8] = []
        for hash in tree.subtrees { hash.append(to: &subtrees) }
        try SQLiteJournal.execute(
            database, "INSERT INTO audit (first, size, subtrees, lines) VALUES (?, ?, ?, ?)",
            [Int64(first), Int64(tree.size), DatabaseBytes(subtrees), DatabaseBytes(lines)])
    }

    /// Takes out what stands in the log's file under that checkpoint, but for the newest, which tells the tree.
    static func remove(_ database: Database, coveredBy checkpoint: Checkpoint) throws {
        try SQLiteJournal.execute(
            database, "DELETE FROM audit WHERE size <= ? AND first < (SELECT max(first) FROM audit)", [Int64(checkpoint.size)])
        try SQLiteJournal.execute(
            database, "INSERT OR REPLACE INTO audit_checkpoint (number, size, root) VALUES (1, ?, ?)",
            [Int64(checkpoint.size), DatabaseBytes(checkpoint.root.bytes)])
    }

    /// Size and root of the newest checkpoint that the journal knows to be on disk.
    static func checkpoint(_ database: Database) throws -> (size: UInt64, root: [UInt8])? {
        try Row.fetchOne(database, sql: "SELECT size, root FROM audit_checkpoint").map {
            (UInt64(clamping: $0["size"] as Int64), [UInt8]($0["root"] as DatabaseBytes))
        }
    }
}
