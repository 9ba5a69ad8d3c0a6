internal import ProtocolMessages

/// How a journal and its audit log are.
struct JournalHealth: Sendable {
    var journal = WireJournalStatus()
    var audit = WireAuditStatus()
    var deadLetters = 0
}
