public import Logging
internal import Synchronization

/// The level below which the events of a process are not written; every logger that was made with it follows when it changes.
public final class LogThreshold: Sendable {
    private static let levels = Logger.Level.allCases
    private let index: Atomic<Int>

    /// Starts at `level`.
    public init(_ level: Logger.Level = .info) { index = Atomic(Self.index(of: level)) }

    /// May be changed at any time, by any thread.
    public var level: Logger.Level {
        get { Self.levels[index.load(ordering: .relaxed)] }
        set { index.store(Self.index(of: newValue), ordering: .relaxed) }
    }

    private static func index(of level: Logger.Level) -> Int { levels.firstIndex(of: level) ?? 0 }
}
