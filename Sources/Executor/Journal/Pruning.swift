internal import JobProtocol

/// Removes what is older than `keep` says, a little at a time: a commit waits for one batch at most.
enum Pruning {
    /// Jobs that one transaction removes.
    static let batch = 200
    /// Between two batches while there is more.
    static let pause = Duration.milliseconds(100)
    /// Between two looks when there was no more, or the journal could not be written.
    static let interval = Duration.seconds(600)

    /// Until the task is cancelled.
    static func run(_ journal: any Journal, _ rules: Rules) async {
        while !Task.isCancelled {
            let removed = try? await journal.prune(before: WallClock.now() - rules.now.keep.milliseconds, limit: batch)
            do { try await Task.sleep(for: removed == batch ? pause : interval) } catch { return }
        }
    }
}
