internal import Logging
internal import Telemetry

/// Lines about what is refused, at a rate that a flood of refusals does not raise.
struct RefusalLog: Sendable {
    private let logger: Logger
    private let suppressed: CounterFamily
    private let throttle = LogThrottle()

    /// - Parameter suppressed: counts the lines that are left out, by outcome.
    init(_ logger: Logger, suppressed: CounterFamily) {
        self.logger = logger
        self.suppressed = suppressed
    }

    /// Writes the line, or counts it.
    func write(
        _ level: Logger.Level, _ message: Logger.Message, hook: String = "", outcome: String,
        _ metadata: @autoclosure () -> Logger.Metadata = [:],
        now: Int64 = MonotonicClock.now()
    ) {
        guard level >= logger.logLevel else { return }
        guard let leftOut = throttle.admit(.init(hook: hook, outcome: outcome), now: now) else {
            return suppressed.with(outcome).increment()
        }
        var metadata = metadata()
        if !hook.isEmpty { metadata["hook"] = "\(hook)" }
        metadata["outcome"] = "\(outcome)"
        if leftOut > 0 { metadata["left_out"] = "\(leftOut)" }
        logger.log(level: level, message, metadata: metadata)
    }
}
