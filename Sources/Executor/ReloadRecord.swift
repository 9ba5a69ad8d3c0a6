internal import JobProtocol
internal import Synchronization

/// What became of the last time the settings were read again.
final class ReloadRecord: Sendable {
    private struct State {
        var readAt: Int64?
        var last: (at: Int64, problem: String)?
    }

    private let state = Mutex(State())

    /// When settings were last taken; nil for never since the start.
    var readAt: Int64? { state.withLock { $0.readAt } }
    var last: (at: Int64, problem: String)? { state.withLock { $0.last } }

    /// - Parameter problem: nil when they were taken.
    func note(_ problem: String?, at now: Int64 = WallClock.now()) {
        state.withLock { state in
            state.last = (now, problem ?? "")
            if problem == nil { state.readAt = now }
        }
    }
}
