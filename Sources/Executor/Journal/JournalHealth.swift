internal import JobProtocol
internal import ProtocolMessages

/// How a journal and its audit log are.
struct JournalHealth: Sendable {
    var journal = WireJournalStatus()
    var audit = WireAuditStatus()
    var deadLetters = 0
}

extension JournalHealth {
    /// What a look has shown; from memory where the journal cannot be read.
    ///
    /// - Parameter failure: why the last write was not taken, and since when.
    init(
        _ place: String, _ audit: WireAuditStatus, failure: (error: JournalError, at: Int64)?,
        _ look: () async throws(JournalError) -> (bytes: Int64, free: Int64, deadLetters: Int64)
    ) async {
        journal.path = place
        self.audit = audit
        do throws(JournalError) {
            let found = try await look()
            (journal.bytes, journal.freeBytes) = (UInt64(clamping: found.bytes), UInt64(clamping: found.free))
            deadLetters = Int(found.deadLetters)
        } catch {
            (journal.error, journal.failedAtMs) = ("\(error)", WallClock.now())
        }
        if let failure { (journal.error, journal.failedAtMs) = ("\(failure.error)", failure.at) }
    }
}
