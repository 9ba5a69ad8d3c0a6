internal import Synchronization

/// Looks at the journal again and again, so that who asks for metrics waits for no disk.
final class JournalWatch: Sendable {
    /// Between two looks.
    static let interval = Duration.seconds(5)

    private let journal: any Journal
    private let state = Mutex(JournalHealth())

    init(_ journal: any Journal) { self.journal = journal }

    /// What the last look has shown.
    var last: JournalHealth { state.withLock { $0 } }

    /// Until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let health = await journal.health()
            state.withLock { $0 = health }
            do { try await Task.sleep(for: Self.interval) } catch { return }
        }
    }
}
