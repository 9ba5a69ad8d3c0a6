internal import Audit
internal import GRDB

/// The tables `audit` and `audit_checkpoint`.
struct SQLiteAuditTable: AuditTable {
    let database: Database

    func insert(_ batch: AuditBatch) throws {
        try SQLiteJournal.execute(
            database, "INSERT INTO audit (first, size, subtrees, lines) VALUES (?, ?, ?, ?)",
            [Int64(batch.first), Int64(batch.tree.size), DatabaseBytes(batch.subtrees), DatabaseBytes(batch.lines)])
    }

    func remove(coveredBy checkpoint: Checkpoint) throws {
        try SQLiteJournal.execute(
            database, "DELETE FROM audit WHERE size <= ? AND first < (SELECT max(first) FROM audit)", [Int64(checkpoint.size)])
        try SQLiteJournal.execute(
            database, "INSERT OR REPLACE INTO audit_checkpoint (number, size, root) VALUES (1, ?, ?)",
            [Int64(checkpoint.size), DatabaseBytes(checkpoint.root.bytes)])
    }

    /// What a start takes the log up with.
    func kept() throws -> AuditKept {
        var kept = AuditKept()
        let rows = try Row.fetchCursor(database, sql: "SELECT first, size, subtrees, lines FROM audit ORDER BY first")
        while let row = try rows.next() {
            kept.batches.append(
                try AuditBatch(
                    first: row["first"], size: row["size"], subtrees: [UInt8](row["subtrees"] as DatabaseBytes),
                    lines: [UInt8](row["lines"] as DatabaseBytes)))
        }
        if let row = try Row.fetchOne(database, sql: "SELECT size, root FROM audit_checkpoint") {
            kept.checkpoint = (UInt64(clamping: row["size"] as Int64), [UInt8](row["root"] as DatabaseBytes))
        }
        return kept
    }
}
